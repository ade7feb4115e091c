### Die Seite, die der Browser zeigt, wenn er von der Anmeldung zurückkommt: wie sie ausging und was zu tun ist (.next).

callback-signed-in = Sie sind angemeldet.
    .next = Sie können diese Seite schließen.
callback-failed = Die Anmeldung hat nicht geklappt.
    .next = Sie können diese Seite schließen.
callback-not-ours = Diese Seite gehört zu keiner offenen Anmeldung.
    .next = Schließen Sie sie, und beginnen Sie die Anmeldung in Latchkey neu.

### Die eigenen Wörter der Befehlszeile. Was ein Status, ein Hinweis oder ein Problem sagt, steht in den anderen Dateien.

## Status

cli-good-until = Offline nutzbar bis zum { $until }.
cli-device = { $name }, { $system }, zuletzt gesehen am { $time }
cli-unregistered = { $product } – { $state }
cli-signed-in = { $email ->
    [none] Angemeldet als { $user }.
   *[other] Angemeldet als { $user } ({ $email }).
}
cli-reach-online = Die Dienste antworten.
cli-reach-doubtful = Die letzte Prüfung ist gescheitert. Latchkey versucht es von selbst erneut.
cli-reach-offline = Dieser Computer ist offline.
cli-reach-neither = Weder der Lizenzdienst noch der Anmeldedienst antwortet.
cli-reach-identity-outage = Der Anmeldedienst antwortet nicht.
cli-reach-licensing-outage = Der Lizenzdienst antwortet nicht.
cli-last-check = Letzte Prüfung: { $time }
cli-next-check = Nächste Prüfung: { $time }
cli-release-waiting = Der Dienst erfährt vom Zurücksetzen, sobald er erreichbar ist.

## An- und Abmelden

cli-starting = Der Anmeldedienst wird gefragt …
cli-waiting-for-user = Warten auf Ihre Anmeldung im Browser.
cli-finishing = Sie sind zurück. Die Anmeldung wird abgeschlossen …
# Zählt in einem Terminal herunter: „noch 14:05“.
cli-waiting-left = Noch { $minutes }:{ $seconds }, Strg+C bricht ab.
cli-waiting-until = Die Seite ist bis { $time } offen.
cli-sign-in-opened = Melden Sie sich auf der Seite an, die sich im Browser öffnet. Öffnet sich keine, ist dies ihre Adresse:
cli-sign-in-open = Öffnen Sie diese Adresse in einem Browser auf diesem Computer, und melden Sie sich dort an:
cli-sign-in-joined = Es ist bereits eine Anmeldung offen. Dies ist ihre Adresse:
cli-sign-in-ssh = Der Browser kehrt zu Port { $port } dieses Computers zurück. Um den vor Ihnen zu verwenden, führen Sie dort zuerst aus:
    ssh -L { $port }:127.0.0.1:{ $port } und den Namen dieses Computers
cli-sign-in-code = Öffnen Sie diese Adresse in irgendeinem Browser, auf diesem Computer oder einem anderen:
cli-sign-in-type = und geben Sie dort diesen Code ein:
cli-sign-in-or-code = Oder melden Sie sich mit einem anderen Computer oder Telefon an: latchkey sign-in --device
cli-waiting-for-code = Warten auf Ihre Eingabe des Codes.
cli-code-left = Er gilt noch { $minutes }:{ $seconds }, Strg-C bricht ab.
cli-code-until = Der Code gilt bis { $time }.
cli-sign-in-done = { $user ->
    [none] Sie sind angemeldet.
   *[other] Sie sind angemeldet als { $user }.
}
cli-signed-in-already = { $user ->
    [none] Sie sind bereits angemeldet.
   *[other] Sie sind bereits angemeldet, als { $user }.
}
cli-signed-out = Sie sind abgemeldet. Der nächste Start eines Produkts braucht das Internet.

## Prüfungen

cli-checked = { $until ->
    [none] Geprüft.
   *[other] Geprüft. Offline nutzbar bis zum { $until }.
}
cli-prepared = Dieser Computer ist offline nutzbar bis zum { $until }.

## Registrierungen

cli-registered = { $product } { $version } ist auf diesem Computer registriert.
cli-deregistered = { $version ->
    [none] { $product } ist auf diesem Computer nicht mehr registriert.
   *[other] { $product } { $version } ist auf diesem Computer nicht mehr registriert.
}

## Zurücksetzen

cli-reset-product = Die Lizenz von { $product } zurücksetzen?
    .deleted = Gelöscht wird: seine Lizenz auf diesem Computer. Ist es offen, erhält es Zeit zum Speichern und hält dann an.
    .kept = Es bleiben: Ihre Anmeldung, die Lizenzen anderer Produkte und seine Registrierung. Sein nächster Start braucht das Internet.
    .done = Die Lizenz von { $product } ist zurückgesetzt.
cli-reset-all = Alles zurücksetzen?
    .deleted = Gelöscht werden: alle Lizenzen, Ihre Anmeldung und der Schlüssel dieses Geräts. Offene Produkte erhalten Zeit zum Speichern und halten dann an. Auch der Anmeldedienst wird gebeten, Ihre Anmeldung zu beenden; das kann scheitern.
    .kept = Es bleiben: die Registrierungen der Produkte, was über die Zeit bekannt ist, die Zahl der befristeten Lizenzen und, bis der Dienst sie hat, die signierte Nachricht, dass dieses Gerät aufgegeben ist. Der nächste Start meldet neu an und braucht das Internet.
    .done = Alles ist zurückgesetzt.
cli-confirm = Fortfahren? [j/N]
cli-not-confirmed = Nichts wurde geändert.
cli-reset-without-agent = Der Agent von Latchkey antwortet nicht. Sein Programm wird gebeten, selbst zurückzusetzen.
cli-reset-by-hand = { $folder ->
    [none] Von Hand zu löschen bleiben die Einträge im Schlüsselbund dieses Computers, deren Namen mit „Latchkey“ beginnen.
   *[other] Von Hand zu löschen bleiben der Ordner { $folder } und die Einträge im Schlüsselbund dieses Computers, deren Namen mit „Latchkey“ beginnen.
} Bitten Sie dann Ihre Administration, dieses Gerät freizugeben.

## Entsperren

cli-unlock-choose = Ihre Anmeldung wird in einer Datei aufbewahrt, die nur diese Passphrase öffnet. Niemand kann sie Ihnen wiederbeschaffen.
cli-unlock-new = Neue Passphrase:
cli-unlock-again = Noch einmal dieselbe:
cli-unlock-passphrase = Passphrase:
cli-unlock-done = Entsperrt.
cli-unlock-open = Es gibt nichts zu entsperren.

## Einstellungen, Datenschutz, Versionen

cli-from-command-line = von der Befehlszeile
cli-from-environment = aus der Umgebungsvariablen { $place }
cli-from-user-file = aus { $place }
cli-from-machine-file = aus { $place }
cli-from-default = als Vorgabe
cli-from-nowhere = nicht gefunden
cli-setting-saved = In { $file } geschrieben.
cli-vault-next-start = Das gilt ab dem nächsten Start des Agenten von Latchkey; dort melden Sie sich neu an. Eine Anmeldung, die jetzt aufbewahrt ist, bleibt, wo sie ist: Um sie zu löschen, führen Sie „latchkey reset --all“ aus, bevor der Agent endet.
cli-privacy = Das ist alles, was eine Prüfung sendet, mit dem jetzigen Wert. Passwörter, Dateinamen und was Sie in Ihren Produkten tun, werden nie gesendet.
cli-agent-version = latchkey-agent { $version }, Protokoll { $protocol }
cli-agent-not-running = latchkey-agent läuft nicht

## Was schiefging

problem-agent-not-found = Latchkey läuft auf diesem Computer nicht und konnte nicht gestartet werden.
    .next = Installieren Sie Latchkey erneut, oder fragen Sie, wer diesen Computer betreut.
problem-address-refused = Der Anmeldedienst nannte eine Adresse, die nicht gefahrlos zu öffnen ist. Sie wurde nicht geöffnet.
    .next = Sagen Sie es Ihrer Administration.
problem-file-unreadable = Die Datei ist nicht zu lesen.
    .next = Prüfen Sie ihren Namen, und ob Sie sie lesen dürfen.
problem-no-licence = Auf diesem Computer ist keine Lizenz, die offline nutzbar wäre.
    .next = „latchkey status“ zeigt, warum.
problem-confirmation-required = Dies löscht etwas, und es gibt kein Terminal, in dem Sie gefragt werden könnten.
    .next = Fügen Sie --yes an, wenn Sie es so meinen.
problem-reset-incomplete = Nicht alles konnte zurückgesetzt werden.
    .next = Versuchen Sie es erneut. Geschieht es wieder, löschen Sie den Rest von Hand.
problem-unknown-setting = Eine solche Einstellung lässt sich nicht schreiben.
    .next = Schreiben Sie „language“ oder „vault“.
problem-unknown-language = In dieser Sprache gibt es keine Wörter.
    .next = Wählen Sie en (Englisch) oder de (Deutsch).
problem-unknown-vault = Dort lässt sich eine Anmeldung nicht aufbewahren.
    .next = Wählen Sie keyring (den Schlüsselbund), file (eine Datei, die eine Passphrase verschlüsselt) oder memory (bis der Agent endet).
problem-unknown-proxy = Das ist keine Adresse eines Proxys.
    .next = Schreiben Sie http://host:port, „system“ (was das System sagt) oder „direct“ (keiner).
problem-terminal-required = Es gibt kein Terminal, um nach der Passphrase zu fragen.
    .next = Führen Sie es in einem Terminal aus, oder legen Sie die Passphrase in eine Datei, die LATCHKEY_VAULT_PASSPHRASE_FILE nennt.
problem-not-unlocked = Es wurde nichts entsperrt.
    .next = Führen Sie „latchkey unlock“ aus, sobald Sie die Passphrase haben.
problem-passphrases-differ = Die beiden Passphrasen sind nicht gleich. Es wurde nichts geändert.
    .next = Versuchen Sie es erneut.
problem-settings-not-saved = Die Einstellung konnte nicht geschrieben werden.
    .next = Prüfen Sie die Datei, die unten genannt ist.
problem-output-failed = Die Ausgabe konnte nicht geschrieben werden.
    .next = Prüfen Sie, ob der Datenträger voll ist.
problem-unknown-command = Einen solchen Befehl gibt es nicht.
    .next = „latchkey help“ zeigt, welche es gibt.

## Geräte und Sitzungen

cli-device-this = dieser Computer
cli-device-in-use = in Benutzung
cli-device-without-place = belegt keinen Platz
cli-devices-left = { $left ->
    [0] Sie können heute kein Gerät mehr freigeben.
    [one] Sie können heute noch ein Gerät freigeben.
   *[other] Sie können heute noch { $left } Geräte freigeben.
}
cli-release-device = { $name } freigeben?
cli-release-device-means = Der Platz ist sofort frei. Lizenzen und Anmeldung des Geräts enden, sobald es wieder online ist.
cli-release-device-same = Der Platz geht auf diesen Computer über. Ist { $name } doch ein anderer Computer, muss er sich neu anmelden.
cli-release-device-done = { $name } ist freigegeben.

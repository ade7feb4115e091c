### Ein Satz und ein nächster Schritt (.next) für jeden Statuscode und jeden Grund.
### Die Ids sind die Namen der Codes. $product ist der Name des Produkts; $until, $time sind fertig lesbar, oder „none“.

status-ok = { $product } darf laufen.
    .next = Nichts zu tun.
status-ok-lease = { $product } ist lizenziert.
    .next = Nichts zu tun.
status-ok-grace = { $away ->
        [identity_outage] Der Anmeldedienst antwortet nicht.
        [overdue] Die Lizenz konnte nicht geprüft werden.
        [outdated] Latchkey ist auf diesem Computer zu alt, um die Lizenz zu erneuern.
        [neither_answers] Keiner der Dienste antwortet.
       *[other] Sie sind offline.
    } { $product } funktioniert { left-more }, bis zum { $until }.
    .next = { $away ->
        [identity_outage] Nichts zu tun: Latchkey versucht es weiter.
        [overdue] Öffnen Sie Latchkey, um zu sehen, was im Weg steht.
        [outdated] Aktualisieren Sie Latchkey vorher.
        [neither_answers] Noch nichts zu tun: Latchkey versucht es weiter. Dauert es an, prüfen Sie das Netz dieses Computers.
       *[other] Noch nichts zu tun. Stellen Sie vorher eine Internetverbindung her.
    }
status-ok-final-warning = Weniger als { left } übrig. { $away ->
        [identity_outage] { $product } funktioniert ab dem { $until } nicht mehr, wenn der Anmeldedienst nicht vorher antwortet.
        [overdue] { $product } funktioniert ab dem { $until } nicht mehr, wenn vorher keine Prüfung gelingt.
        [outdated] Aktualisieren Sie Latchkey vor dem { $until }, sonst funktioniert { $product } nicht mehr.
        [neither_answers] { $product } funktioniert ab dem { $until } nicht mehr, wenn die Dienste nicht vorher antworten.
        [subscription] { $product } funktioniert ab dem { $until } nicht mehr: Dann endet das Abonnement.
       *[other] Stellen Sie vor dem { $until } eine Internetverbindung her, sonst funktioniert { $product } nicht mehr.
    }
    .next = { $away ->
        [identity_outage] Latchkey versucht es weiter. Dauert es an, fragen Sie, wer Ihre Anmeldung betreibt.
        [overdue] Öffnen Sie Latchkey, um zu sehen, was im Weg steht.
        [outdated] Aktualisieren Sie Latchkey.
        [neither_answers] Latchkey versucht es weiter. Prüfen Sie das Netz dieses Computers.
        [subscription] Bitten Sie, wer Ihre Lizenzen verwaltet, es zu verlängern.
       *[other] Stellen Sie eine Internetverbindung her.
    }
status-ok-outage = Der Lizenzdienst antwortet nicht. { $product } funktioniert weiter.
    .next = Nichts zu tun.
status-ok-temporary = Der Lizenzdienst antwortet nicht. { $product } läuft mit einer befristeten Lizenz bis { $until }.
    .next = Nichts zu tun, solange Sie online sind: Latchkey holt die nächste von selbst.

status-connecting = Latchkey startet.
    .next = Warten Sie einen Moment.
status-pending-identity = Warten auf die Antwort des Anmeldedienstes.
    .next = Warten Sie einen Moment.
status-pending-licensing = Warten auf die Antwort des Lizenzdienstes.
    .next = Warten Sie einen Moment.

status-auth-pending = { $product } ist noch nicht lizenziert.
    .next = Öffnen Sie Latchkey, um zu sehen, worauf gewartet wird.
status-auth-pending-waiting-for-user = Warten auf Ihre Anmeldung im Browser.
    .next = Schließen Sie sie dort ab, oder öffnen Sie die Seite in Latchkey erneut.
status-auth-pending-waiting-for-other = Eine andere Anmeldung ist offen{ $other ->
        [none] .
       *[other] , bei { $other }.
    }
    .next = Schließen Sie zuerst diese ab, oder brechen Sie sie ab.
status-auth-pending-vault-locked = Der Schlüsselbund dieses Computers ist gesperrt oder antwortet nicht.
    .next = Entsperren Sie den Schlüsselbund. Bewahrt Latchkey Ihre Anmeldung in einer Datei auf, führen Sie „latchkey unlock“ aus.
status-auth-pending-entitlement-spreading = { $product } ist Ihnen noch nicht zugewiesen. { $until ->
        [none] Ein neuer Lizenzplatz kann einige Minuten unterwegs sein.
       *[other] Nächster Versuch: { $until }.
    }
    .next = Warten Sie, oder bitten Sie Ihre Administration um einen Lizenzplatz.
status-auth-pending-not-registered = { $product } ist auf diesem Computer nicht registriert.
    .next = Starten Sie { $product } einmal, oder installieren Sie es erneut.
status-auth-pending-network-blocked = { $trouble ->
        [web_page] Anstelle der Antwort von { $host } kam eine Webseite.
        [proxy_password] Der Proxy dieses Netzwerks verlangt einen Namen und ein Passwort, bevor er mit { $host } verbindet.
        [authority_unknown] Das Zertifikat von { $host } stammt von einer Stelle, die dieser Computer nicht kennt.
        [tls] Was in diesem Netzwerk für { $host } antwortet, ist nicht vertrauenswürdig: Es kommt keine sichere Verbindung zustande.
       *[none] Etwas in diesem Netzwerk steht zwischen diesem Computer und dem Dienst.
    }
    .next = { $trouble ->
        [proxy_password] Setzen Sie sie: latchkey config set proxy http://name:passwort@host:port
        [authority_unknown] Bitten Sie, wer das Netzwerk betreibt, die Stelle des Unternehmens auf diesem Computer einzurichten. Latchkey macht dann von selbst weiter.
       *[other] Öffnen Sie eine beliebige Webseite: Verlangt das Netzwerk eine Anmeldung, melden Sie sich dort an. Fragen Sie sonst, wer das Netzwerk betreibt.
    }
status-auth-pending-service-outdated = Der Lizenzdienst ist zu alt für dieses Latchkey.
    .next = Bitten Sie Ihre Administration, den Lizenzdienst zu aktualisieren.
status-auth-pending-clock-wrong = { problem-clock-wrong }
    .next = Stellen Sie Datum und Uhrzeit, und prüfen Sie dann erneut.

status-sign-in-required = Sie sind abgemeldet.
    .next = Melden Sie sich an.
status-first-start-offline = { $away ->
        [neither_answers] Der erste Start von { $product } muss geprüft werden, und keiner der Dienste antwortet.
       *[other] Der erste Start von { $product } braucht das Internet.
    }
    .next = { $away ->
        [neither_answers] Sehen Sie nach dem Netzwerk dieses Computers, und starten Sie { $product } dann erneut.
       *[other] Stellen Sie eine Internetverbindung her, und starten Sie { $product } dann erneut.
    }
status-offline-limit-reached = { $product } war zu lange offline{ $until ->
        [none] .
       *[other] : Die Frist endete am { $until }.
    }
    .next = Verbinden Sie sich einmal, um weiterzumachen.
status-not-assigned = Ihnen ist kein Lizenzplatz für { $product } zugewiesen.
    .next = { $contact ->
        [none] Bitten Sie Ihre Administration um einen Lizenzplatz.
       *[other] Bitten Sie { $contact } um einen Lizenzplatz.
    }
status-subscription-ended = Das Abonnement für { $product } ist beendet.
    .next = { $contact ->
        [none] Bitten Sie Ihre Administration, es zu verlängern.
       *[other] Bitten Sie { $contact }, es zu verlängern.
    }
status-device-limit = { $product } ist bereits auf so vielen Geräten, wie Ihr Abonnement erlaubt.
    .next = Geben Sie eines frei, das Sie nicht mehr brauchen, oder bitten Sie Ihre Administration darum.
status-session-in-use = { $product } wird { $holder ->
        [none] auf einem anderen Gerät verwendet.
       *[other] auf { $holder } verwendet.
    }
    .next = { $takeover ->
        [none] Schließen Sie es dort. Dann starten Sie es hier noch einmal.
       *[other] Verwenden Sie es hier, oder schließen Sie es dort.
    }
status-identity-unavailable = Der Anmeldedienst antwortet nicht.
    .next = Versuchen Sie es später erneut. Latchkey versucht es von selbst weiter.
status-licensing-unavailable = Der Lizenzdienst antwortet nicht, und { $product } hat auf diesem Computer noch keine Lizenz.
    .next = Versuchen Sie es später erneut. Latchkey versucht es von selbst weiter.
status-client-outdated = Der Lizenzdienst verlangt { $version ->
        [none] ein neueres Latchkey.
       *[other] Latchkey { $version } oder neuer.
    }
    .next = Aktualisieren Sie Latchkey.
status-agent-not-found = Latchkey läuft auf diesem Computer nicht und konnte nicht gestartet werden.
    .next = Öffnen Sie Latchkey, oder installieren Sie es erneut.
status-lease-invalid = Die Lizenz von { $product } auf diesem Computer ist nicht gültig.
    .next = Prüfen Sie jetzt, während Sie online sind. Hilft das nicht, setzen Sie die Lizenz zurück.
status-invalid-argument = { $product } hat von Latchkey etwas verlangt, das es nicht versteht.
    .next = Aktualisieren Sie { $product }, oder wenden Sie sich an den Hersteller.
status-device-released = Dieses Gerät wurde an anderer Stelle freigegeben.
    .next = Melden Sie sich erneut an.
status-unknown = { $product } hat den Status { $code }, den diese Version nicht kennt.
    .next = Aktualisieren Sie Latchkey und { $product }.

# Angehängt an jeden der Sätze oben, solange das Produkt noch geöffnet ist.
status-stopping = { $sentence } Speichern Sie Ihre Arbeit: { $product } hält um { $time } an.

## Dasselbe in ein, zwei Worten, nach dem Namen eines Produkts und einem Strich.

state-ok = bereit
state-ok-lease = bereit
state-ok-grace = { $away ->
        [identity_outage] Anmeldedienst antwortet nicht
        [overdue] nicht geprüft
        [outdated] Latchkey aktualisieren
        [neither_answers] keiner der Dienste antwortet
       *[other] offline
    }, noch { left }
state-ok-final-warning = weniger als { left } übrig
state-ok-outage = bereit, Dienst antwortet nicht
state-ok-temporary = befristete Lizenz bis { $until }
state-connecting = startet
state-pending-identity = Anmeldung läuft
state-pending-licensing = wird geprüft
state-auth-pending = wartet
state-auth-pending-waiting-for-user = wartet auf Anmeldung
state-auth-pending-waiting-for-other = wartet auf eine andere Anmeldung
state-auth-pending-vault-locked = wartet auf den Schlüsselbund
state-auth-pending-entitlement-spreading = wartet auf einen Lizenzplatz
state-auth-pending-not-registered = nicht registriert
state-auth-pending-network-blocked = vom Netzwerk blockiert
state-auth-pending-service-outdated = Dienst zu alt
state-auth-pending-clock-wrong = Uhr geht falsch
state-sign-in-required = abgemeldet
state-first-start-offline = { $away ->
        [neither_answers] braucht eine Prüfung
       *[other] braucht einmal das Internet
    }
state-offline-limit-reached = zu lange offline
state-not-assigned = kein Lizenzplatz zugewiesen
state-subscription-ended = Abonnement beendet
state-device-limit = zu viele Geräte
state-session-in-use = auf einem anderen Gerät in Gebrauch
state-identity-unavailable = Anmeldedienst antwortet nicht
state-licensing-unavailable = Lizenzdienst antwortet nicht
state-client-outdated = Latchkey ist zu alt
state-agent-not-found = Latchkey läuft nicht
state-lease-invalid = Lizenz nicht gültig
state-invalid-argument = Anfrage nicht verstanden
state-device-released = Gerät freigegeben
state-unknown = Status { $code }

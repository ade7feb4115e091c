### Mitteilungen: ein Satz oder zwei, vom Desktop unter einem .title gezeigt.

notice-offline = { $away ->
        [identity_outage] Der Anmeldedienst antwortet nicht.
        [overdue] Die Lizenz konnte nicht geprüft werden.
        [outdated] Latchkey ist auf diesem Computer zu alt, um die Lizenz zu erneuern: aktualisieren Sie es.
        [neither_answers] Keiner der Dienste antwortet.
       *[other] Sie sind offline.
    } { $product } funktioniert { left-more }, bis zum { $until }.
    .title = { $product }
notice-final-warning = Weniger als { left } übrig. { $away ->
        [identity_outage] { $product } funktioniert ab dem { $until } nicht mehr, wenn der Anmeldedienst nicht vorher antwortet.
        [overdue] { $product } funktioniert ab dem { $until } nicht mehr, wenn vorher keine Prüfung gelingt.
        [outdated] Aktualisieren Sie Latchkey vor dem { $until }, sonst funktioniert { $product } nicht mehr.
        [neither_answers] { $product } funktioniert ab dem { $until } nicht mehr, wenn die Dienste nicht vorher antworten.
        [subscription] { $product } funktioniert ab dem { $until } nicht mehr: Dann endet das Abonnement.
       *[other] Stellen Sie vor dem { $until } eine Internetverbindung her, sonst funktioniert { $product } nicht mehr.
    }
    .title = { $product }
notice-ended = { $product } hat angehalten: Es war { $days ->
        [one] { $days } Tag
       *[other] { $days } Tage
    } offline. Verbinden Sie sich einmal, um weiterzumachen.
    .title = { $product }
notice-ended-open = { $product } war { $days ->
        [one] { $days } Tag
       *[other] { $days } Tage
    } offline. Speichern Sie Ihre Arbeit: Es hält um { $time } an. Verbinden Sie sich einmal, um weiterzumachen.
    .title = { $product }
notice-connected = Verbunden. { $product } ist bis zum { $until } offline nutzbar.
    .title = { $product }
notice-must-stop = { $cause } Sie haben { $minutes ->
        [one] { $minutes } Minute
       *[other] { $minutes } Minuten
    } zum Speichern.
    .title = { $product }
notice-outage = Der Lizenzdienst antwortet nicht. Sie können weiterarbeiten; nichts zu tun.
    .title = Latchkey
notice-other = Bei { $product } hat sich etwas geändert. Öffnen Sie Latchkey, um zu sehen, was.
    .title = { $product }

## Ursachen von „muss anhalten“, nach dem Statuscode dahinter.

cause = Die Lizenz von { $product } auf diesem Computer ist zu Ende.
cause-sign-in-required = Die Lizenz von { $product } auf diesem Computer wurde beendet.
cause-offline-limit-reached = { $product } war zu lange offline.
cause-not-assigned = Ihr Lizenzplatz für { $product } wurde Ihnen entzogen.
cause-subscription-ended = Das Abonnement für { $product } ist beendet.
cause-session-in-use = { $product } wird jetzt auf einem anderen Gerät verwendet.
cause-session-in-use-on = { $product } wird jetzt auf { $holder } verwendet.
cause-client-outdated = Der Lizenzdienst verlangt ein neueres Latchkey, um mit { $product } weiterzumachen.
cause-device-released = Dieses Gerät wurde an anderer Stelle freigegeben.

# Einmal, wenn das Symbol im Infobereich geschlossen wird.
notice-quit = Latchkey ist nicht mehr im Infobereich. Ihre Produkte funktionieren weiter.
    .title = Latchkey

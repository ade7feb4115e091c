### Die Statuszeile (Tooltip, Menü, `latchkey status`) und das Menü im Infobereich.

line-no-products = Kein Produkt ist registriert
line-signed-out = Abgemeldet
line-signing-in = Anmeldung läuft …
line-licensed = { $user } – lizenziert
line-sign-in-again = { $user } – bitte erneut anmelden
line-checking = Wird geprüft …
line-offline = { $away ->
        [identity_outage] Der Anmeldedienst antwortet nicht
        [overdue] Nicht geprüft
        [outdated] Latchkey aktualisieren
        [neither_answers] Keiner der Dienste antwortet
       *[other] Offline
    } – noch { left }, bis zum { $until }
line-final = Weniger als { left } übrig – { $away ->
        [identity_outage] sofern der Anmeldedienst nicht vor dem { $until } antwortet
        [overdue] sofern nicht vor dem { $until } eine Prüfung gelingt
        [outdated] aktualisieren Sie Latchkey vor dem { $until }
        [neither_answers] sofern die Dienste nicht vor dem { $until } antworten
        [subscription] das Abonnement endet am { $until }
       *[other] verbinden Sie sich vor dem { $until }
    }
line-outage = Ein Dienst antwortet nicht – Sie können weiterarbeiten
line-outage-identity = Der Anmeldedienst antwortet nicht – Sie können weiterarbeiten
line-outage-licensing = Der Lizenzdienst antwortet nicht – Sie können weiterarbeiten
line-stopped = { $product } hat angehalten – { $state }
line-stopping = { $product } hält um { $time } an – { $state }
line-vault-locked = Wartet auf den Schlüsselbund – entsperren Sie ihn, um weiterzumachen
line-other = Latchkey

menu-product = { $product } { $version } – { $state }
menu-details = Details
menu-reset-licence = Lizenz zurücksetzen …
menu-sign-in = Anmelden …
menu-open-sign-in = Anmeldeseite erneut öffnen
menu-copy-sign-in-link = Link der Anmeldeseite kopieren
menu-cancel-sign-in = Anmeldung abbrechen
menu-sign-out = Abmelden
menu-prepare-offline = Offline vorbereiten
menu-manage = Lizenzen verwalten
menu-reset-product = { $product } zurücksetzen …
menu-reset-all = Alles zurücksetzen …
menu-devices = Geräte …
menu-open = Latchkey öffnen
menu-start-at-login = Bei der Anmeldung am Computer starten
menu-quit = Beenden

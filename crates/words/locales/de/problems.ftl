### Was schiefging, nach einem festen Schlüssel (`_` und `.` werden `-`), mit dem, was zu tun ist (.next).

problem = Etwas ist schiefgegangen: { $problem }.
    .next = Versuchen Sie es erneut. Geschieht es wieder, nennen Sie dem Support diesen Namen.

## Mit der Anfrage

problem-agent-unreachable = Der Agent von Latchkey antwortet nicht.
    .next = Warten Sie einen Moment, und versuchen Sie es erneut. Bleibt er aus, melden Sie sich am Computer ab und wieder an.
problem-unsupported = Der laufende Agent ist älter als dieses Programm und kennt die Anfrage nicht.
    .next = Schließen Sie alle Produkte, und öffnen Sie Latchkey erneut.
problem-timeout = Es kam nicht rechtzeitig eine Antwort.
    .next = Versuchen Sie es erneut.
problem-busy = Latchkey ist noch mit der letzten Anfrage beschäftigt.
    .next = Warten Sie einen Moment, und versuchen Sie es erneut.
problem-invalid-argument = Die Anfrage wurde nicht verstanden.
    .next = Aktualisieren Sie das Programm, das sie gestellt hat, oder wenden Sie sich an den Hersteller.
problem-internal = In Latchkey ist etwas schiefgegangen.
    .next = Versuchen Sie es erneut. Geschieht es wieder, wenden Sie sich an den Support.
problem-unknown-product = Dieses Produkt ist auf diesem Computer nicht registriert.
    .next = Starten Sie es einmal, oder installieren Sie es erneut.
problem-unknown-service = Kein registriertes Produkt verwendet diesen Lizenzdienst.
    .next = Prüfen Sie die Adresse.
problem-several-services = Die registrierten Produkte verwenden mehr als einen Lizenzdienst.
    .next = Nennen Sie den, den Sie meinen.
problem-no-products = Auf diesem Computer ist kein Produkt registriert.
    .next = Installieren Sie ein Produkt, das Latchkey verwendet.
problem-registration-refused = Die Registrierung des Produkts ist nicht gültig.
    .next = Wenden Sie sich an den Hersteller des Produkts.
problem-not-signed-in = Sie sind abgemeldet.
    .next = Melden Sie sich zuerst an.
problem-sign-in-again = Der Anmeldedienst verlangt, dass Sie sich erneut anmelden. Ihre Produkte funktionieren inzwischen weiter.
    .next = Melden Sie sich erneut an.
problem-no-sign-in = Es ist keine Anmeldung offen.
    .next = Beginnen Sie eine neue.
problem-signed-out-meanwhile = Sie wurden inzwischen abgemeldet.
    .next = Melden Sie sich erneut an.
problem-reset-meanwhile = Die Lizenz wurde inzwischen zurückgesetzt.
    .next = Starten Sie das Produkt erneut.
problem-waiting-for-other = Eine andere Anmeldung ist offen.
    .next = Schließen Sie zuerst diese ab, oder brechen Sie sie ab.
problem-bad-product-key = Der Produktschlüssel ist nicht gültig.
    .next = Verwenden Sie 1 bis 64 Zeichen aus A-Z, 0-9, - und _.
problem-bad-version = Die Produktversion ist nicht gültig.
    .next = Verwenden Sie 1 bis 64 Zeichen.
problem-bad-nonce = Die Aufgabe ist nicht gültig.
    .next = Verwenden Sie 16 bis 64 Zeichen Base64url.
problem-unknown-use = Das Produkt ist auf dieser Verbindung nicht geöffnet.
    .next = Fragen Sie erneut nach seiner Lizenz.

## Mit dem Netzwerk und den Diensten

problem-offline = Dieser Computer ist offline.
    .next = Stellen Sie eine Internetverbindung her, und versuchen Sie es erneut.
problem-neither-answers = Weder der Lizenzdienst noch der Anmeldedienst antwortet.
    .next = Versuchen Sie es später erneut. Latchkey versucht es von selbst weiter.
problem-network-sign-in = Dieses Netzwerk verlangt zuerst eine Anmeldung.
    .next = Öffnen Sie eine beliebige Webseite, melden Sie sich beim Netzwerk an, und versuchen Sie es erneut.
problem-proxy-password = Der Proxy dieses Netzwerks verlangt einen Namen und ein Passwort.
    .next = Setzen Sie sie: latchkey config set proxy http://name:passwort@host:port
problem-proxy-refuses = Der Proxy dieses Netzwerks verbindet diesen Computer nicht mit dem Dienst.
    .next = Versuchen Sie es später erneut. Bleibt es so, fragen Sie, wer das Netzwerk betreibt: Vielleicht verlangt der Proxy einen anderen Namen und ein anderes Passwort, oder er verbietet es.
problem-proxy-unreachable = Der Proxy dieses Netzwerks antwortet nicht.
    .next = Versuchen Sie es später erneut. „latchkey config“ zeigt, welcher Proxy gesetzt ist.
problem-authority-unknown = Das Zertifikat des Dienstes stammt von einer Stelle, die dieser Computer nicht kennt.
    .next = Bitten Sie, wer das Netzwerk betreibt, die Zertifizierungsstelle der Firma auf diesem Computer zu installieren. Latchkey macht dann von selbst weiter.
problem-certificate = Dem Zertifikat des Dienstes wird auf diesem Computer nicht vertraut.
    .next = Prüfen Sie Datum und Uhrzeit. Stimmen sie, fragen Sie, wer das Netzwerk betreibt.
problem-identity-unavailable = Der Anmeldedienst antwortet nicht.
    .next = Versuchen Sie es später erneut.
problem-licensing-unavailable = Der Lizenzdienst antwortet nicht.
    .next = Versuchen Sie es später erneut. Ihre Produkte funktionieren weiter.
problem-identity-unreachable = { problem-identity-unavailable }
    .next = { problem-identity-unavailable.next }
problem-licensing-unreachable = { problem-licensing-unavailable }
    .next = { problem-licensing-unavailable.next }
problem-token-refused = Der Lizenzdienst nimmt nicht an, was der Anmeldedienst ausstellt.
    .next = Fragen Sie Ihre Administration: „latchkey-server issuer check“ sagt, was nicht passt.
problem-service-busy = Der Lizenzdienst ist stark ausgelastet.
    .next = Warten Sie. Latchkey versucht es von selbst erneut.
problem-service-outdated = Der Lizenzdienst ist zu alt für dieses Latchkey.
    .next = Bitten Sie Ihre Administration, den Lizenzdienst zu aktualisieren.

## Mit diesem Computer

problem-vault-locked = Der Schlüsselbund dieses Computers ist gesperrt.
    .next = Entsperren Sie den Schlüsselbund. Bewahrt Latchkey Ihre Anmeldung in einer Datei auf, führen Sie „latchkey unlock“ aus. Latchkey macht von selbst weiter.
problem-vault-prompting = Der Schlüsselbund fragt nach seinem Passwort.
    .next = Geben Sie es im Fenster des Schlüsselbunds ein, das hinter anderen liegen kann. Latchkey macht von selbst weiter.
problem-vault-unavailable = Dieser Computer hat keinen Schlüsselbund, oder er ist nicht zu erreichen; deshalb kann Latchkey Ihre Anmeldung nicht aufbewahren.
    .next = Starten Sie den Schlüsselbunddienst. Gibt es keinen, wählen Sie einen anderen Ort: „latchkey config set vault file“, oder „memory“ an dessen Stelle.
problem-vault-hung = Der Schlüsselbund dieses Computers antwortet nicht.
    .next = Warten Sie: Latchkey versucht es von selbst erneut. Bleibt es so, melden Sie sich am Computer ab und wieder an.
problem-vault-read-only = Der Schlüsselbund nimmt nichts Neues an: Er ist schreibgeschützt, oder der Datenträger ist voll.
    .next = Heben Sie den Schreibschutz auf, oder schaffen Sie Platz auf dem Datenträger. Latchkey versucht es von selbst erneut.
problem-vault-damaged = Was der Schlüsselbund von Ihrer Anmeldung aufbewahrt, ist beschädigt.
    .next = Melden Sie sich erneut an. Hilft das nicht, setzen Sie vorher alles zurück.
problem-vault-too-new = Was der Schlüsselbund von Ihrer Anmeldung aufbewahrt, hat ein neueres Latchkey geschrieben. Es bleibt unberührt.
    .next = Aktualisieren Sie Latchkey.
problem-vault-entry-gone = Was von Ihrer Anmeldung aufbewahrt war, ist weg: Es wurde aus dem Schlüsselbund gelöscht, oder es war nur im Arbeitsspeicher. Ihre Lizenzen bleiben.
    .next = Melden Sie sich erneut an.
problem-session-in-memory = Ihre Anmeldung ist nur im Arbeitsspeicher und endet mit dem Agenten von Latchkey.
    .next = Stellen Sie sich darauf ein, sich nach einem Neustart erneut anzumelden; dazu ist das Internet nötig.
problem-passphrase-not-set = Latchkey soll Ihre Anmeldung in einer Datei aufbewahren, die noch keine Passphrase hat.
    .next = Führen Sie „latchkey unlock“ aus, um eine zu wählen.
problem-passphrase-file = Die Datei mit der Passphrase ist nicht zu verwenden: Sie fehlt, andere dürfen sie lesen, oder ihre Passphrase ist nicht die richtige.
    .next = Bringen Sie die Datei in Ordnung, die LATCHKEY_VAULT_PASSPHRASE_FILE nennt, und führen Sie dann „latchkey unlock“ aus.
problem-wrong-passphrase = Das ist nicht die Passphrase. Es ist nichts verloren.
    .next = Versuchen Sie es erneut. Ist sie vergessen, beginnt „latchkey reset --all“ von vorn.
problem-passphrase-set = Es ist schon eine Passphrase gewählt.
    .next = Führen Sie „latchkey unlock“ aus, und geben Sie sie ein.
problem-passphrase-too-short = Die Passphrase ist zu kurz.
    .next = Wählen Sie eine mit 8 Zeichen oder mehr.
problem-nothing-to-unlock = Hier gibt es nichts, was eine Passphrase entsperren würde.
    .next = Führen Sie „latchkey config“ aus, um zu sehen, wo Ihre Anmeldung aufbewahrt wird.
problem-vault-not-deleted = Der Schlüsselbund ließ Latchkey nicht alles löschen.
    .next = Entsperren Sie den Schlüsselbund, und setzen Sie dann erneut zurück.
problem-state-not-saved = Latchkey kann seinen Zustand nicht speichern: Der Datenträger ist voll oder schreibgeschützt.
    .next = Schaffen Sie Platz auf dem Datenträger.
problem-state-recovered = Der letzte Zustand von Latchkey war beschädigt. Es ist zum vorigen zurückgekehrt.
    .next = Prüfen Sie jetzt, um auf dem neuesten Stand zu sein.
problem-state-too-new = Auf diesem Computer war ein neueres Latchkey in Gebrauch. Dessen Zustand bleibt unberührt.
    .next = Aktualisieren Sie Latchkey.
# Um wie viel die Uhr falsch geht, wie es im Satz darunter steht.
clock-off-by = { $unit ->
        [minutes] { $count ->
            [one] { $count } Minute
           *[other] { $count } Minuten
        }
        [hours] { $count ->
            [one] { $count } Stunde
           *[other] { $count } Stunden
        }
       *[days] { $count ->
            [one] { $count } Tag
           *[other] { $count } Tage
        }
    }
problem-clock-wrong = Die Uhr dieses Computers geht { $by ->
        [none] falsch
       *[other] { $by } { $clock ->
            [behind] nach
           *[ahead] vor
        }
    }.
    .next = Stellen Sie Datum und Uhrzeit, und versuchen Sie es erneut.
problem-no-browser = Es konnte kein Browser geöffnet werden.
    .next = Kopieren Sie den Link, und öffnen Sie ihn in einem Browser auf diesem Computer.
problem-no-clipboard = Es konnte nichts kopiert werden.
    .next = Versuchen Sie es erneut.
problem-autostart = Der Start bei der Anmeldung am Computer konnte nicht geändert werden.
    .next = Ändern Sie ihn in den Einstellungen dieses Computers.
problem-no-device-code = Der Anmeldedienst bietet keine Anmeldung per Code an.
    .next = Melden Sie sich im Browser an.
problem-unknown-domain = Für diese Adresse ist kein Anmeldedienst zuständig.
    .next = Prüfen Sie die Adresse auf Tippfehler, oder fragen Sie Ihre Administration.
problem-bad-email = Das ist keine E-Mail-Adresse.
    .next = Geben Sie Ihre dienstliche Adresse an, etwa sie@firma.example.
problem-callback-port = Ein anderes Programm belegt den Port, über den der Browser zurückkommen muss.
    .next = Schließen Sie dieses Programm, oder starten Sie den Computer neu, und versuchen Sie es erneut.

## Mit der Anmeldung

problem-cancelled = Die Anmeldung wurde abgebrochen.
    .next = Melden Sie sich an, wenn Sie so weit sind.
problem-access-denied = Die Anmeldung wurde abgelehnt.
    .next = Melden Sie sich erneut an, oder fragen Sie Ihre Administration, ob Sie es verwenden dürfen.
problem-expired = Die Anmeldung wurde nicht rechtzeitig abgeschlossen.
    .next = Melden Sie sich erneut an.
problem-abandoned = Das Programm, das die Anmeldung wollte, ist nicht mehr da.
    .next = Melden Sie sich erneut an.
problem-sign-in-cancelled = { problem-cancelled }
    .next = { problem-cancelled.next }
problem-sign-in-denied = { problem-access-denied }
    .next = { problem-access-denied.next }
problem-sign-in-expired = { problem-expired }
    .next = { problem-expired.next }
problem-sign-in-abandoned = { problem-abandoned }
    .next = { problem-abandoned.next }
problem-id-token-required = Der Lizenzdienst will noch einmal wissen, wer Sie sind.
    .next = Melden Sie sich erneut an.
problem-provider-error = Der Anmeldedienst hat einen Fehler gemeldet.
    .next = Versuchen Sie es erneut. Geschieht es wieder, sagen Sie es Ihrer Administration.
problem-provider-misconfigured = Der Anmeldedienst ist für Latchkey nicht richtig eingerichtet.
    .next = Sagen Sie es Ihrer Administration.
problem-provider-untrusted = Der Anmeldedienst hat eine Antwort gesendet, der nicht zu trauen ist. Nichts davon wurde behalten.
    .next = Versuchen Sie es erneut. Geschieht es wieder, sagen Sie es Ihrer Administration.
problem-account-changed = Der Anmeldedienst hat für ein anderes Konto geantwortet als zuvor.
    .next = Melden Sie sich erneut an.

## Mit Geräten

problem-unknown-device = Ein solches Gerät haben Sie nicht.
    .next = „latchkey devices“ zeigt, welche Sie haben.
problem-several-devices = Mehrere Ihrer Geräte haben diesen Namen.
    .next = Nennen Sie das Gerät mit der Kennung, die „latchkey devices“ zeigt.
problem-release-limit = Sie haben heute so viele Geräte freigegeben, wie Sie dürfen.
    .next = Warten Sie bis morgen, oder bitten Sie Ihre Administration darum.
problem-not-offered = Dieser Lizenzdienst ist dafür zu alt.
    .next = Bitten Sie Ihre Administration, den Lizenzdienst zu aktualisieren.

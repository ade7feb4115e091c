### Die eigenen Worte des Fensters. Was ein Status, eine Mitteilung oder ein Problem sagt, steht in den anderen Dateien.

window-back = Zurück
window-working = Einen Moment …
window-for-support = Für den Support: { $detail }
window-code = Code { $code } · { $name }
window-now = jetzt

## Bevor etwas bekannt ist

connecting-title = Latchkey startet
connecting-text = Das dauert ein, zwei Sekunden.
unreachable-title = Latchkey antwortet nicht
unreachable-text = Dieses Fenster versucht es von selbst weiter. Geöffnete Produkte funktionieren weiter.

## Kein Produkt

no-products-title = Kein Produkt ist registriert
no-products-text = Starten oder installieren Sie ein Produkt, das Latchkey verwendet. Es erscheint hier von selbst.

## Abgemeldet

signed-out-title = Sie sind abgemeldet
signed-out-text = Melden Sie sich einmal an, um Ihre Lizenzen auf diesem Computer zu verwenden. Ihr Browser öffnet sich; Latchkey sieht Ihr Passwort nie.
sign-in = Anmelden
sign-in-code = Code auf einem anderen Gerät verwenden
sign-in-code-new = Neuen Code anfordern
sign-in-company = Anmeldung über die Firma
sign-in-company-email = Ihre dienstliche Adresse
sign-in-company-go = Weiter
sign-in-to = Bei { $service } anmelden

## Anmeldung läuft

signing-in-starting-title = Anmeldung
signing-in-starting-text = Der Anmeldedienst wird gefragt, wohin es geht …
signing-in-waiting-title = Weiter im Browser
signing-in-waiting-text = Melden Sie sich auf der Seite an, die sich geöffnet hat. Dieses Fenster macht von selbst weiter, sobald Sie fertig sind.
signing-in-finishing-title = Fast fertig
signing-in-finishing-text = Sie sind zurück. Ihre Lizenzen werden geholt …
signing-in-waited = Wartet seit { $time }
signing-in-deadline = Die Seite ist offen bis { $until }.
signing-in-open-again = Erneut öffnen
signing-in-copy-link = Link kopieren
signing-in-copied = Link kopiert
signing-in-at = bei { $issuer }
signing-in-use-code = Code verwenden
signing-in-use-browser = Den Browser hier verwenden
signing-in-code-title = Geben Sie diesen Code ein
signing-in-code-text = Öffnen Sie die Adresse unten in irgendeinem Browser, auf diesem Computer oder einem anderen, und geben Sie dort den Code ein. Dieses Fenster macht von selbst weiter, sobald Sie fertig sind.
signing-in-code-address = Adresse
signing-in-code-left = Der Code gilt noch { $time }.
signing-in-code-copy = Code kopieren
signing-in-code-copied = Code kopiert
signing-in-code-open = Seite hier öffnen
signing-in-code-qr = Die Adresse mit dem Code darin, als Bild für die Kamera eines Telefons
signing-in-cancel = Abbrechen
signing-in-hint-title = Der Browser kam nicht zurück?
signing-in-hint-text = Verwenden Sie einen Code, öffnen Sie die Seite erneut, oder kopieren Sie den Link in einen anderen Browser auf diesem Computer.

## Lizenziert

licensed-title = Alles ist lizenziert
signed-in-title = Sie sind angemeldet
checking-title = Wird geprüft …
sign-in-again-title = Bitte erneut anmelden
good-offline = Offline nutzbar bis { $until }
good-offline-first = { $product } endet zuerst.
last-check = Letzte Prüfung
next-check = Nächste Prüfung
never = noch nie
checking-now = wird geprüft …
check-now = Jetzt prüfen
prepare-offline = Offline vorbereiten
prepared = Dieser Computer ist offline nutzbar bis { $until }.
prepared-nothing = Auf diesem Computer ist keine Lizenz, die vorzubereiten wäre.
release-waiting = Die Freigabe dieses Geräts ist noch zu senden. Das geschieht von selbst, sobald der Lizenzdienst antwortet.
products = Produkte
sign-out-open = Abmelden …
reset-open = Zurücksetzen …
privacy-open = Was gesendet wird
actions = Mehr

# Im Ring, um die Zahl herum: „27“ über „Tage übrig“.
ring-unit = { $unit ->
    [hours] { $count ->
        [one] Stunde übrig
       *[other] Stunden übrig
    }
   *[days] { $count ->
        [one] Tag übrig
       *[other] Tage übrig
    }
}
# Im Ring, solange online, um die Zahl herum: „30“ über „Tage offline“.
ring-unit-online = { $unit ->
    [hours] { $count ->
        [one] Stunde offline
       *[other] Stunden offline
    }
   *[days] { $count ->
        [one] Tag offline
       *[other] Tage offline
    }
}
ring-waiting = gewartet
# Der ganze Ring, für alle, die ihn nicht sehen.
ring-unit-temporary = befristet

ring-label = Noch { $left } von { $days } offline

## Offline und die letzten Tage

offline-title = Sie sind offline
outdated-title = Latchkey ist zu alt
overdue-title = Die nächste Prüfung ist überfällig
neither-title = Keiner der Dienste antwortet
offline-text = { $away ->
        [outdated] Aktualisieren Sie Latchkey.
       *[other] Noch nichts zu tun.
    } { $product } funktioniert bis { $until }.
final-title = Weniger als { left } übrig
final-text = { $away ->
        [identity_outage] { $product } funktioniert ab dem { $until } nicht mehr, wenn der Anmeldedienst nicht vorher antwortet.
        [overdue] { $product } funktioniert ab dem { $until } nicht mehr, wenn vorher keine Prüfung gelingt.
        [outdated] Aktualisieren Sie Latchkey vor dem { $until }, sonst funktioniert { $product } nicht mehr.
        [neither_answers] { $product } funktioniert ab dem { $until } nicht mehr, wenn die Dienste nicht vorher antworten.
        [subscription] { $product } funktioniert ab dem { $until } nicht mehr: Dann endet das Abonnement. Bitten Sie, wer Ihre Lizenzen verwaltet, es zu verlängern.
       *[other] Stellen Sie vor dem { $until } eine Internetverbindung her, sonst funktioniert { $product } nicht mehr.
    }
final-connect-text = Eine Prüfung genügt für die volle Zeit.

## Ausfall

outage-title = Ein Dienst antwortet nicht
outage-licensing-title = Der Lizenzdienst antwortet nicht
outage-identity-title = Der Anmeldedienst antwortet nicht
outage-text = Sie können weiterarbeiten. Es ist nichts zu tun: Latchkey versucht es weiter.
outage-since = Letzte Antwort: { $since }.

## Angehalten

stopped-title = { $product } hat angehalten
stopping-title = { $product } hält in { $time } an
blocked-title = { $product } kann nicht starten
ask-admin = Nachricht für Ihre Administration kopieren
ask-admin-copied = Nachricht kopiert
ask-admin-title = Nachricht für Ihre Administration
ask-admin-not-assigned = Guten Tag,

    { $product } { $version } meldet, dass mir kein Lizenzplatz zugewiesen ist. Können Sie mir einen zuweisen?

    Konto: { $account }
    Organisation: { $org }
    Lizenzdienst: { $service }
    Code: { $code } { $name }
ask-admin-subscription-ended = Guten Tag,

    { $product } { $version } meldet, dass das Abonnement beendet ist. Können Sie es verlängern?

    Konto: { $account }
    Organisation: { $org }
    Lizenzdienst: { $service }
    Code: { $code } { $name }
try-again = Erneut versuchen
devices-title = Geräte, die Ihre Plätze halten
device-last-seen = zuletzt gesehen { $time }
holder-title = Dort in Gebrauch

## Geräte und Sitzungen

own-devices-open = Geräte …
own-devices-title = Ihre Geräte
own-devices-text = Jedes davon belegt einen Ihrer Plätze. Geben Sie eines frei, das Sie nicht mehr benutzen oder verloren haben: der Platz ist sofort frei.
device-this = dieser Computer
device-in-use = in Benutzung
release-ask = Freigeben …
release-ask-name = { $name } freigeben …
release-text = Der Platz von { $name } ist sofort frei. Lizenzen und Anmeldung des Geräts enden, sobald es wieder online ist.
release-now = Freigeben
release-same = Es ist dieser Computer, neu installiert
release-keep = Behalten
releases-left = { $left ->
    [0] Sie können heute kein Gerät mehr freigeben.
    [one] Sie können heute noch ein Gerät freigeben.
   *[other] Sie können heute noch { $left } Geräte freigeben.
}
holder-since = seit { $time }
use-here = Stattdessen hier benutzen
use-here-text = Dort bekommt das Produkt einige Minuten zum Speichern.
awaited-text = { $device } wartet auf { $product }.
hand-over = Übergeben

## Ein Produkt

product-publisher = Hersteller
product-service = Lizenzdienst
product-org = Organisation
product-account = Konto
product-checked = Letzte Prüfung
product-until = Offline nutzbar bis
product-open = Gerade geöffnet
product-open-count = { $count ->
    [0] nein
    [one] in { $count } Programm
   *[other] in { $count } Programmen
}
product-reset = Lizenz zurücksetzen …

## Zurücksetzen

reset-title = Lizenzen zurücksetzen
reset-choose = Was zurückgesetzt wird
reset-one = Nur { $product }
reset-all = Alles auf diesem Computer
reset-deletes = Gelöscht wird
reset-deletes-lease = Die Lizenz von { $product } auf diesem Computer
reset-deletes-leases = Alle Lizenzen auf diesem Computer, auch befristete
reset-deletes-tokens = Ihre Anmeldung
reset-deletes-key = Der Schlüssel dieses Geräts, das damit seinen Platz aufgibt
reset-keeps = Erhalten bleibt
reset-keeps-sign-in = Ihre Anmeldung
reset-keeps-products = Ihre Produkte und Ihre Dateien
reset-keeps-registrations = Welche Produkte installiert sind
reset-open-products = Geöffnete Produkte bekommen einige Minuten zum Speichern.
reset-best-effort = Der Anmeldedienst wird gebeten, Ihre Anmeldung zu widerrufen. Ob er es tut, kann Latchkey nicht versprechen; auf diesem Computer ist sie in jedem Fall weg.
reset-next-start = Der nächste Start braucht das Internet.
reset-confirm-one = { $product } zurücksetzen
reset-confirm-all = Alles zurücksetzen
reset-cancel = Abbrechen
reset-done-title = Erledigt
reset-done-one = Die Lizenz von { $product } ist von diesem Computer gelöscht. Der nächste Start holt eine neue.
reset-done-all = Von Ihrer Anmeldung und Ihren Lizenzen ist nichts mehr auf diesem Computer. Der nächste Start meldet neu an.

## Abmelden

sign-out-title = Abmelden?
sign-out-text = Ihre Lizenzen auf diesem Computer enden, und der nächste Start braucht das Internet. Geöffnete Produkte bekommen einige Minuten zum Speichern.
sign-out-place = Das Gerät behält seinen Platz. Um ihn aufzugeben, setzen Sie stattdessen alles zurück.
sign-out-confirm = Abmelden
sign-out-confirm-of = Von { $service } abmelden
sign-out-cancel = Angemeldet bleiben

## Datenschutz

privacy-title = Was gesendet wird
privacy-text = Das sind alle Felder einer Prüfung, mit den Werten, die jetzt gesendet würden. Sie gehen an den Lizenzdienst und an niemanden sonst.
privacy-nothing = Jetzt würde nichts gesendet: Niemand ist angemeldet.
privacy-never-title = Nie gesendet
privacy-never-files = Ihre Dateien, deren Namen und deren Inhalt
privacy-never-work = Was Sie in einem Produkt tun
privacy-never-offline = Wann und wie lange Sie offline arbeiten
privacy-never-programs = Welche anderen Programme auf diesem Computer sind
privacy-never-password = Ihr Passwort: Nur der Anmeldedienst sieht es
privacy-never-key = Der private Schlüssel dieses Geräts

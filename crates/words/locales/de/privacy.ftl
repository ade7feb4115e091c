### Die Felder, die eine Prüfung sendet, nach ihren festen Namen (`_` und `.` werden `-`), und wozu jedes dient (.why).

field = { $field }
    .why = Wird mit jeder Prüfung gesendet.
field-jti = Nummer der Anfrage
    .why = Zufällig, jedes Mal neu. Sie bindet die Antwort an die Frage.
field-agent = Version von Latchkey
    .why = Damit der Dienst in einer Form antwortet, die diese Version liest.
field-device-name = Name dieses Computers
    .why = Damit Sie ihn in der Liste Ihrer Geräte wiedererkennen.
field-device-system = Betriebssystem
    .why = Damit Sie den Computer in der Liste Ihrer Geräte wiedererkennen.
field-products = Produkte, ihre Versionen, und welche geöffnet sind
    .why = Der Dienst antwortet für jedes davon.
field-id-token = Ihre Anmeldung: Name und E-Mail-Adresse
    .why = Nur bis der Dienst Ihr Konto mit Ihrem Lizenzplatz verknüpft hat.
field-access-token = Ihre Erlaubnis zu fragen
    .why = Vom Anmeldedienst für eine Stunde ausgestellt. Sie wird nie angezeigt.
field-device-key = Öffentlicher Schlüssel dieses Geräts
    .why = Eine Lizenz ist daran gebunden. Der private Teil bleibt in Ihrem Schlüsselbund.

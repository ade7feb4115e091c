### Die Felder, die eine Prüfung sendet, nach ihren festen Namen (`_` und `.` werden `-`), und wozu jedes dient (.why).

field = { $field }
    .why = Wird mit jeder Prüfung gesendet.
field-access-token = Ihre Erlaubnis zu fragen
    .why = Vom Anmeldedienst, höchstens eine Stunde gültig. Wird nie angezeigt.
field-device-proof = Nachweis, dass dieses Gerät fragt
    .why = Jedes Mal neu mit dem Schlüssel dieses Geräts signiert, der in Ihrem Schlüsselbund bleibt.
field-request-id = Nummer der Anfrage
    .why = Zufällig, jedes Mal neu. Sie bindet die Antwort an die Frage.
field-agent-version = Version von Latchkey
    .why = Damit der Dienst in einer Form antwortet, die diese Version liest.
field-device-name = Name dieses Computers
    .why = Damit Sie ihn in der Liste Ihrer Geräte wiedererkennen.
field-device-system = Betriebssystem
    .why = Damit Sie den Computer in der Liste Ihrer Geräte wiedererkennen.
field-product = Produkt, seine Version, und ob es geöffnet ist
    .why = Der Dienst antwortet für jedes Produkt.
field-issuer = Der Anmeldedienst, bei dem Sie sich angemeldet haben
    .why = Damit der Dienst weiß, wen er nach Ihrem Zugang fragen kann.
field-id-token = Ihre Anmeldung, mit Ihrem Namen und Ihrer E-Mail-Adresse
    .why = Nur bis der Dienst Ihr Konto mit Ihrem Lizenzplatz verknüpft hat. Wird nie angezeigt.
field-session = Was Sie von einer Sitzung wollen, die ein anderes Ihrer Geräte hat oder will
    .why = In der einen Prüfung, die auf Ihren Klick folgt.
field-usage-sent = Nutzungsminuten, die gesendet wurden
    .why = Der Dienst hat sie; sie werden danach noch einen Tag gezeigt.
field-usage = Nutzungsminuten
    .why = Wie lange ein Produkt an einem Tag online benutzt wurde. Minuten ohne Netz werden nie erfasst.

### Zeitpunkte und Restzeit.
### Datum und Uhrzeit kommen fertig lesbar an, in der Zeitzone des Benutzers: „21. Dezember“, „14:05“.
### $unit ist „days“ oder „hours“, $count die Anzahl.

date-time = { $date }, { $time }

# Nominativ und Akkusativ: „noch 27 Tage“, „weniger als 3 Tage“.
left = { $unit ->
    [hours] { $count ->
        [one] { $count } Stunde
       *[other] { $count } Stunden
    }
   *[days] { $count ->
        [one] { $count } Tag
       *[other] { $count } Tage
    }
}

# Nach dem Verb: „funktioniert noch 27 Tage“.
left-more = noch { left }

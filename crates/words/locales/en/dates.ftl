### Times and time left.
### Dates and times of day come in ready to read, in the user's zone: "21 December", "14:05".
### $unit is "days" or "hours", $count how many of them.

date-time = { $date } { $time }

# After a preposition or a dash: "27 days left".
left = { $unit ->
    [hours] { $count ->
        [one] { $count } hour
       *[other] { $count } hours
    }
   *[days] { $count ->
        [one] { $count } day
       *[other] { $count } days
    }
}

# After "for": "keeps working for 27 more days".
left-more = { $unit ->
    [hours] { $count ->
        [one] { $count } more hour
       *[other] { $count } more hours
    }
   *[days] { $count ->
        [one] { $count } more day
       *[other] { $count } more days
    }
}

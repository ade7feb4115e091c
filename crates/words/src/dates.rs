//! Instants, as people in one zone and language read them.

use icu_calendar::{Date, Gregorian};
use icu_datetime::input::Time;
use icu_datetime::{
    DateTimeFormatterPreferences, FixedCalendarDateTimeFormatter, NoCalendarFormatter, fieldsets,
};
use icu_locale_core::Locale;
use icu_locale_core::preferences::extensions::unicode::keywords::HourCycle;
use jiff::Zoned;
use jiff::tz::TimeZone;
use latchkey_core::notice::Left;
use latchkey_core::time::{DAY, Timestamp};

use crate::Words;
use crate::message::Value;

/// How far away a date in another year may be and still need no year: "20 January" is clear in December.
const CLEAR_FOR: std::time::Duration = DAY.saturating_mul(180);

type DayMonth = FixedCalendarDateTimeFormatter<Gregorian, fieldsets::MD>;
type DayMonthYear = FixedCalendarDateTimeFormatter<Gregorian, fieldsets::YMD>;
type HourMinute = NoCalendarFormatter<fieldsets::T>;

/// Dates and times in one zone and language.
pub(crate) struct Dates {
    zone: TimeZone,
    /// `None` only if ICU had no data for the language; then dates are written as ISO 8601 does.
    icu: Option<(DayMonth, DayMonthYear, HourMinute)>,
}

impl Dates {
    pub(crate) fn new(locale: &Locale, zone: TimeZone) -> Self {
        let mut preferences = DateTimeFormatterPreferences::from(locale);
        preferences.hour_cycle = Some(HourCycle::H23);
        let icu = (|| {
            Some((
                DayMonth::try_new(preferences, fieldsets::MD::long()).ok()?,
                DayMonthYear::try_new(preferences, fieldsets::YMD::long()).ok()?,
                HourMinute::try_new(preferences, fieldsets::T::hm()).ok()?,
            ))
        })();
        Self { zone, icu }
    }

    pub(crate) fn zone_name(&self) -> Option<&str> {
        self.zone.iana_name()
    }

    fn local(&self, at: Timestamp) -> Zoned {
        // An instant beyond the year 9999 can only be nonsense; it is shown as the last one there is.
        let limit = if at.as_millis() < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        };
        jiff::Timestamp::from_millisecond(at.as_millis())
            .unwrap_or(limit)
            .to_zoned(self.zone.clone())
    }

    fn date(&self, at: Timestamp, now: Timestamp) -> String {
        let local = self.local(at);
        let near = at.since(now).max(now.since(at)) <= CLEAR_FOR;
        let with_year = local.year() != self.local(now).year() && !near;
        let month = u8::try_from(local.month()).unwrap_or_default();
        let day = u8::try_from(local.day()).unwrap_or_default();
        let date = Date::try_new_gregorian(local.year().into(), month, day);
        match (&self.icu, date) {
            (Some((_, formatter, _)), Ok(date)) if with_year => formatter.format(&date).to_string(),
            (Some((formatter, ..)), Ok(date)) => formatter.format(&date).to_string(),
            _ => local.date().to_string(),
        }
    }

    fn time(&self, at: Timestamp) -> String {
        let local = self.local(at);
        let hour = u8::try_from(local.hour()).unwrap_or_default();
        let minute = u8::try_from(local.minute()).unwrap_or_default();
        match (&self.icu, Time::try_new(hour, minute, 0, 0)) {
            (Some((.., formatter)), Ok(time)) => formatter.format(&time).to_string(),
            _ => format!("{hour:02}:{minute:02}"),
        }
    }
}

impl Words {
    /// "21 December"; with the year where it is another than that of `now` and half a year or more away.
    pub fn date(&self, at: Timestamp, now: Timestamp) -> String {
        self.dates.date(at, now)
    }

    /// "21 December 14:05"; the year as in [`Words::date`].
    pub fn date_time(&self, at: Timestamp, now: Timestamp) -> String {
        let (date, time) = (self.dates.date(at, now), self.dates.time(at));
        self.message(
            "date-time",
            &[("date", Value::from(&date)), ("time", Value::from(&time))],
        )
    }

    /// "14:05" where that is today, else as [`Words::date_time`].
    pub fn time(&self, at: Timestamp, now: Timestamp) -> String {
        if self.dates.local(at).date() == self.dates.local(now).date() {
            self.dates.time(at)
        } else {
            self.date_time(at, now)
        }
    }

    /// "27 days", "5 hours".
    pub fn left(&self, left: Left) -> String {
        self.message("left", &left_args(left))
    }
}

/// The two arguments that messages count time left with.
pub(crate) fn left_args(left: Left) -> [(&'static str, Value<'static>); 2] {
    let (unit, count) = match left {
        Left::Days(days) => ("days", days),
        // "Less than 0 hours" is what a reader would see in the second before the end.
        Left::Hours(hours) => ("hours", hours.max(1)),
    };
    [("unit", Value::Text(unit)), ("count", Value::Number(count))]
}

//! What a measurement comes to: two numbers of one run, and their ratio. Machines differ and are noisy; a ratio that was
//! taken on one of them, in one run, by turns, says more than any of its numbers.

use std::time::Duration;

use serde::Serialize;

/// Which way is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    /// Times, memory, wake-ups.
    Less,
    /// What is done in a second.
    More,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Figure {
    pub(crate) measurement: String,
    pub(crate) against: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) ours: f64,
    pub(crate) baseline: f64,
    /// `None` where the baseline is nothing at all.
    pub(crate) ratio: Option<f64>,
    pub(crate) better: Better,
}

impl Figure {
    /// Of something that should be small.
    pub(crate) fn new(
        measurement: impl Into<String>,
        against: &'static str,
        unit: &'static str,
        ours: f64,
        baseline: f64,
    ) -> Self {
        Self {
            measurement: measurement.into(),
            against,
            unit,
            ours,
            baseline,
            ratio: (baseline > 0.0).then(|| ours / baseline),
            better: Better::Less,
        }
    }

    /// Of something that should be large.
    pub(crate) fn of_speed(
        measurement: impl Into<String>,
        against: &'static str,
        unit: &'static str,
        ours: f64,
        baseline: f64,
    ) -> Self {
        Self {
            better: Better::More,
            ..Self::new(measurement, against, unit, ours, baseline)
        }
    }
}

/// The smallest sample that at least `percent` of all are not above (nearest rank). `None` without samples.
pub(crate) fn percentile(samples: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// The middle of some samples; zero without any.
pub(crate) fn median(samples: &[f64]) -> f64 {
    percentile(samples, 50).unwrap_or_default()
}

/// A time in microseconds.
pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// A time in milliseconds.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The figures as a table that people read.
pub(crate) fn table(figures: &[Figure]) -> String {
    let head = ["measurement", "against", "unit", "ours", "baseline", "ratio"].map(str::to_owned);
    let rows = figures.iter().map(|figure| {
        let ratio = match (figure.ratio, figure.better) {
            (None, _) => "—".to_owned(),
            (Some(ratio), Better::Less) => number(ratio),
            (Some(ratio), Better::More) => format!("{} (more is better)", number(ratio)),
        };
        [
            figure.measurement.clone(),
            figure.against.to_owned(),
            figure.unit.to_owned(),
            number(figure.ours),
            number(figure.baseline),
            ratio,
        ]
    });
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| {
        let lengths = rows.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or_default()
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if (3..5).contains(&column) {
                format!("{cell:>width$}")
            } else {
                format!("{cell:width$}")
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Three digits that count, and no more than a run can vouch for.
fn number(value: f64) -> String {
    match value.abs() {
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_samples() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&hundred, 50), Some(50.0));
        assert_eq!(percentile(&hundred, 99), Some(99.0));
        assert_eq!(percentile(&hundred, 100), Some(100.0));
        assert_eq!(
            percentile(&[3.0, 1.0, 2.0], 50),
            Some(2.0),
            "the order does not matter"
        );
        assert_eq!(percentile(&[7.0], 99), Some(7.0));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn a_ratio_needs_a_baseline() {
        let figure = |baseline| Figure::new("a", "b", "ms", 6.0, baseline);
        assert_eq!(figure(2.0).ratio, Some(3.0));
        assert_eq!(figure(0.0).ratio, None);
        assert_eq!(figure(2.0).better, Better::Less);
        assert_eq!(Figure::of_speed("a", "b", "/s", 6.0, 2.0).better, Better::More);
    }

    #[test]
    fn numbers_have_three_digits() {
        let cases = [
            (0.0, "0.00"),
            (1.2345, "1.23"),
            (9.999, "10.0"),
            (12.34, "12.3"),
            (99.99, "100"),
            (1234.5, "1234"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn columns_stand_below_each_other() {
        let figures = [
            Figure::new("a call", "an echo", "µs", 150.0, 30.0),
            Figure::of_speed("checks", "by hand", "/s", 2.0, 0.0),
        ];
        assert_eq!(
            table(&figures),
            "measurement  against  unit  ours  baseline  ratio\n\
             a call       an echo  µs     150      30.0  5.00\n\
             checks       by hand  /s    2.00      0.00  —"
        );
    }

    #[test]
    fn durations_are_counted_in_parts_of_a_second() {
        assert_eq!(micros(Duration::from_millis(2)), 2000.0);
        assert_eq!(millis(Duration::from_micros(2500)), 2.5);
    }
}

//! An address as a QR code, drawn by the window's page.

use qrcode::{Color, QrCode};
use serde::Serialize;

/// A QR code.
#[derive(Debug, Serialize)]
pub(crate) struct Qr {
    /// Modules in each direction, without a margin.
    size: usize,
    /// The dark modules, as an SVG path in units of a module.
    path: String,
}

impl Qr {
    /// Nothing for what is too long to be drawn.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let code = QrCode::new(text).ok()?;
        let size = code.width();
        let path = code
            .to_colors()
            .chunks(size)
            .enumerate()
            .map(|(row, modules)| row_path(row, modules))
            .collect();
        Some(Self { size, path })
    }
}

/// One rectangle for each run of dark modules.
fn row_path(row: usize, modules: &[Color]) -> String {
    let mut start = 0;
    let runs = modules.chunk_by(|one, other| one == other).map(|run| {
        let (from, length) = (start, run.len());
        start += length;
        match run.first() {
            Some(Color::Dark) => format!("M{from} {row}h{length}v1h-{length}z"),
            Some(Color::Light) | None => String::new(),
        }
    });
    runs.collect()
}

#[cfg(test)]
mod tests {
    use super::Qr;

    #[test]
    fn a_corner_is_seven_modules_wide() {
        let qr = Qr::of("https://id.example/device?user_code=WDJB-MJHT").unwrap();
        assert!(qr.path.starts_with("M0 0h7v1h-7z"), "{}", qr.path);
        assert!(
            qr.path.contains(&format!("M{} 0h7v1h-7z", qr.size - 7)),
            "{}",
            qr.path
        );
        assert!(Qr::of(&"x".repeat(5_000)).is_none());
    }
}

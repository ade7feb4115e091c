//! An address as a QR code for a phone's camera, in a terminal's characters.

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

/// The picture, with the margin that readers want; nothing for what is too long.
pub(crate) fn picture(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    // Most terminals are dark: light modules on dark would be read by few cameras, so the modules are drawn light.
    Some(
        code.render::<Dense1x2>()
            .dark_color(Dense1x2::Light)
            .light_color(Dense1x2::Dark)
            .build(),
    )
}

#[cfg(test)]
mod tests {
    use super::picture;

    #[test]
    fn what_fits_is_drawn_with_a_margin() {
        let picture = picture("https://id.example/device?user_code=WDJB-MJHT").unwrap();
        let lines: Vec<&str> = picture.lines().collect();
        let width = lines[0].chars().count();
        assert!(lines.iter().all(|line| line.chars().count() == width));
        assert!(lines[0].chars().all(|c| c == '█'), "a light margin: {picture}");
        assert!(super::picture(&"x".repeat(5_000)).is_none());
    }
}

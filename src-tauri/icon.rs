//! The tray icons, as raw pixels in the program. They are drawn in `icons/src`; `icons/README.md` says which size is for
//! whom.

use latchkey_core::view::Icon;
use tauri::image::Image;
use tauri::include_image;

macro_rules! icons {
    ($($icon:ident: $windows:literal, $macos:literal, $elsewhere:literal;)+) => {
        /// The picture of a state.
        pub(crate) fn image(icon: Icon) -> Image<'static> {
            match icon {
                $(Icon::$icon => {
                    #[cfg(windows)]
                    let image = include_image!($windows);
                    #[cfg(target_os = "macos")]
                    let image = include_image!($macos);
                    #[cfg(not(any(windows, target_os = "macos")))]
                    let image = include_image!($elsewhere);
                    image
                })+
            }
        }

        #[cfg(test)]
        const ALL: &[Icon] = &[$(Icon::$icon),+];
    };
}

icons! {
    Ready: "icons/tray/32/ready.png", "icons/tray/36/ready.png", "icons/tray/44/ready.png";
    Busy: "icons/tray/32/busy.png", "icons/tray/36/busy.png", "icons/tray/44/busy.png";
    Offline: "icons/tray/32/offline.png", "icons/tray/36/offline.png", "icons/tray/44/offline.png";
    Three: "icons/tray/32/three.png", "icons/tray/36/three.png", "icons/tray/44/three.png";
    Two: "icons/tray/32/two.png", "icons/tray/36/two.png", "icons/tray/44/two.png";
    One: "icons/tray/32/one.png", "icons/tray/36/one.png", "icons/tray/44/one.png";
    Stopped: "icons/tray/32/stopped.png", "icons/tray/36/stopped.png", "icons/tray/44/stopped.png";
    SignedOut: "icons/tray/32/signed_out.png", "icons/tray/36/signed_out.png", "icons/tray/44/signed_out.png";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_picture_of_its_own_and_all_have_one_size() {
        let images: Vec<_> = ALL.iter().map(|icon| image(*icon)).collect();
        for (index, image) in images.iter().enumerate() {
            assert_eq!(
                (image.width(), image.height()),
                (images[0].width(), images[0].width())
            );
            assert!(
                images[..index].iter().all(|other| other.rgba() != image.rgba()),
                "{:?}",
                ALL[index]
            );
        }
    }
}

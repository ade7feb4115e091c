//! System packages on Debian and Ubuntu, by the names that either gives them.

/// What one package is needed for, and its names: the first that the system knows is installed.
pub(crate) struct Package {
    pub(crate) names: &'static [&'static str],
    pub(crate) purpose: &'static str,
}

const fn package(purpose: &'static str, names: &'static [&'static str]) -> Package {
    Package { names, purpose }
}

/// Everything that building, testing and the demo need beside Rust and Node.
pub(crate) const PACKAGES: &[Package] = &[
    package("compiles the C parts of crates", &["build-essential"]),
    package("finds system libraries", &["pkg-config", "pkgconf"]),
    package("the window", &["libwebkit2gtk-4.1-dev"]),
    package("the tray icon", &["libayatana-appindicator3-1"]),
    package("a display without a screen", &["xvfb"]),
    package("the session bus", &["dbus-daemon", "dbus"]),
    package("the window manager", &["openbox"]),
    package("the keyring", &["gnome-keyring"]),
    package("the keyring of another kind", &["keepassxc", "keepassxc-minimal"]),
    package("looks into the keyring", &["libsecret-tools"]),
    package("pulls a cable out", &["iproute2"]),
    package("shows notices", &["dunst"]),
    package("shows tray icons", &["xfce4-panel"]),
    package("takes screenshots", &["maim"]),
    package("makes them small", &["pngquant"]),
    package("keys and clicks", &["xdotool"]),
    package("closes windows", &["wmctrl"]),
    package("opens the browser", &["xdg-utils"]),
    package("drives the window", &["webkit2gtk-driver", "webkitgtk-webdriver"]),
    package("the browser", &["chromium", "chromium-browser"]),
    package(
        "drives the browser",
        &["chromium-driver", "chromium-chromedriver"],
    ),
    package("a company's proxy", &["tinyproxy-bin", "tinyproxy"]),
    package("a proxy of the other kind (SOCKS)", &["microsocks"]),
    package("says which proxy the desktop has set", &["xdg-desktop-portal"]),
    package(
        "keeps what the desktop has set",
        &["dconf-gsettings-backend", "dconf"],
    ),
    package("the settings of GNOME", &["gsettings-desktop-schemas"]),
    package("sets them", &["libglib2.0-bin"]),
    package("reads them for a portal", &["glib-networking"]),
    package("whom a machine believes", &["ca-certificates"]),
    package("moves the wall clock", &["faketime"]),
    package("reads QR codes off screenshots", &["zbar-tools"]),
    package("letters on screenshots", &["fonts-dejavu-core"]),
    package("icons on screenshots", &["adwaita-icon-theme"]),
];

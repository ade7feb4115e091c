//! The files that make a home folder a desktop: panel, notification daemon, and which browser opens addresses.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Result;

/// The panel is there for its tray: it is what a StatusNotifier item is shown in.
const PANEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array"><value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="true"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/><value type="int" value="2"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="tasklist"/>
    <property name="plugin-2" type="string" value="systray"><property name="known-legacy-items" type="array"/></property>
  </property>
</channel>
"#;

const NOTIFICATIONS: &str = "[global]\nfont = Sans 10\nwidth = 340\norigin = top-right\noffset = 12x48\n";

/// The script is found on the session's PATH: not every opener understands a quoted path.
const BROWSER: &str = "[Desktop Entry]
Type=Application
Name=Browser of the stories
Exec=open-in-browser %u
NoDisplay=true
MimeType=x-scheme-handler/http;x-scheme-handler/https;text/html;
";

const MIME: &str = "[Default Applications]
x-scheme-handler/http=stories-browser.desktop
x-scheme-handler/https=stories-browser.desktop
text/html=stories-browser.desktop
";

/// Portals are there only in stories that are about them: browsers and toolkits would wake them in every session.
const NO_PORTAL: &str = "[D-BUS Service]
Name=org.freedesktop.portal.Desktop
Exec=/bin/false
";

/// Lays the files into a home folder. Addresses that the desktop opens are written to `opened`, a line each.
pub(crate) fn lay(home: &Path, opened: &Path) -> Result<()> {
    let config = home.join(".config");
    let write = |path: &Path, text: &str| -> Result<()> {
        fs::create_dir_all(path.parent().unwrap_or(home))?;
        Ok(fs::write(path, text)?)
    };
    write(
        &config.join("xfce4/xfconf/xfce-perchannel-xml/xfce4-panel.xml"),
        PANEL,
    )?;
    write(&config.join("dunst/dunstrc"), NOTIFICATIONS)?;

    let script = home.join(".local/bin/open-in-browser");
    write(
        &script,
        &format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >>'{}'\n", opened.display()),
    )?;
    fs::set_permissions(&script, Permissions::from_mode(0o755))?;
    let entry = BROWSER.replace("{script}", &script.display().to_string());
    write(
        &home.join(".local/share/applications/stories-browser.desktop"),
        &entry,
    )?;
    write(&config.join("mimeapps.list"), MIME)?;
    write(
        &home.join(".local/share/dbus-1/services/org.freedesktop.portal.Desktop.service"),
        NO_PORTAL,
    )?;
    fs::write(opened, "")?;
    Ok(())
}

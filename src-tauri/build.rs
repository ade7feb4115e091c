//! Embeds the window's pages, its capabilities and, on Windows, icon and manifest.

fn main() -> anyhow::Result<()> {
    let attributes =
        tauri_build::Attributes::new().capabilities_path_pattern("./src-tauri/capabilities/**/*.json");
    tauri_build::try_build(attributes)
}

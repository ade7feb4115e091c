//! Embeds the window's pages, what they may do and, on Windows, icon and manifest.

use tauri_build::{AppManifest, Attributes};

fn main() -> anyhow::Result<()> {
    let permissions = AppManifest::new().permissions_path_pattern("./src-tauri/permissions/*.toml");
    let attributes = Attributes::new()
        .app_manifest(permissions)
        .capabilities_path_pattern("./src-tauri/capabilities/*.json");
    // With a pattern of ours tauri-build does not look for changes by itself.
    for folder in ["permissions", "capabilities"] {
        println!("cargo:rerun-if-changed=src-tauri/{folder}");
    }
    tauri_build::try_build(attributes)
}

//! The command line.

use clap::Parser;

/// Latchkey's icon in the tray; with `--window`, its window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Parser)]
#[command(name = "latchkey-tray", version, about)]
pub struct Arguments {
    /// Show the window, in a process of its own, and no tray icon
    #[arg(long)]
    pub window: bool,

    /// The screen that the window shows first, e.g. "reset"
    #[arg(
        long,
        value_name = "NAME",
        requires = "window",
        default_value = "",
        hide_default_value = true
    )]
    pub screen: String,

    /// Start for the icon and the notices alone, and open no window, even where there is no tray (used at login)
    #[arg(long, conflicts_with = "window")]
    pub background: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, ErrorKind> {
        Arguments::try_parse_from(std::iter::once(&"latchkey-tray").chain(words))
            .map_err(|error| error.kind())
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn without_arguments_it_is_the_tray() {
        assert_eq!(parse(&[]), Ok(Arguments::default()));
    }

    #[test]
    fn the_window_may_begin_with_a_screen() {
        let window = Arguments {
            window: true,
            ..Arguments::default()
        };
        assert_eq!(parse(&["--window"]), Ok(window.clone()));
        assert_eq!(
            parse(&["--window", "--screen", "reset"]),
            Ok(Arguments {
                screen: "reset".into(),
                ..window
            })
        );
    }

    #[test]
    fn a_screen_without_a_window_is_a_mistake() {
        assert_eq!(
            parse(&["--screen", "reset"]),
            Err(ErrorKind::MissingRequiredArgument)
        );
    }

    #[test]
    fn a_window_is_never_in_the_background() {
        assert_eq!(
            parse(&["--window", "--background"]),
            Err(ErrorKind::ArgumentConflict)
        );
    }

    #[test]
    fn version_and_help_end_before_a_display_is_needed() {
        assert_eq!(parse(&["--version"]), Err(ErrorKind::DisplayVersion));
        assert_eq!(parse(&["--help"]), Err(ErrorKind::DisplayHelp));
    }
}

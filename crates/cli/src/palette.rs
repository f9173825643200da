//! How texts stand out, where there are colours.

/// How a text stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Bold.
    Heading,
    /// Green.
    Good,
    /// Cyan.
    Changed,
    /// Yellow.
    Warning,
    /// Red.
    Bad,
    /// Dim.
    Quiet,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Heading => "1",
            Self::Good => "32",
            Self::Changed => "36",
            Self::Warning => "33",
            Self::Bad => "31",
            Self::Quiet => "2",
        }
    }
}

/// Whether there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    coloured: bool,
}

impl Palette {
    /// One with colours, or one without.
    pub const fn new(coloured: bool) -> Self {
        Self { coloured }
    }

    /// Whether there are colours.
    pub const fn is_coloured(self) -> bool {
        self.coloured
    }

    /// The text in a style.
    pub fn paint(self, style: Style, text: &str) -> String {
        if self.coloured { format!("\x1b[{}m{text}\x1b[0m", style.code()) } else { text.to_owned() }
    }
}

//! Problems of a rulebook, with line and column.

replies! {
    /// Severity of a problem in a rulebook.
    #[derive(Copy, Eq)]
    #[serde(rename_all = "snake_case")]
    pub enum Severity {
        /// The rulebook cannot be used.
        Error,
        /// The rulebook can be used, but probably does not do what was intended.
        Warning,
        /// Information; nothing is wrong.
        Note,
    }

    /// Problem in a rulebook.
    #[derive(Eq)]
    pub struct RulebookProblem {
        /// Its severity.
        pub severity: Severity,
        /// Line, from 1.
        pub line: usize,
        /// Column of the first underlined character, from 1.
        pub column: usize,
        /// Number of underlined characters.
        pub length: usize,
        /// Stable word for the kind of problem.
        pub code: String,
        /// What is wrong.
        pub message: String,
        /// What to do about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub help: Option<String>,
        /// The rule that it is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub rule: Option<String>,
        /// The whole problem as text for a terminal, with the position underlined.
        pub rendered: String,
    }
}

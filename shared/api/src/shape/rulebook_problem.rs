//! What is wrong with a rulebook, place by place.

replies! {
    /// How bad a problem of a rulebook is.
    #[derive(Copy, Eq)]
    #[serde(rename_all = "snake_case")]
    pub enum Severity {
        /// The rulebook cannot be used like this.
        Error,
        /// The rulebook works, but probably not as it was meant.
        Warning,
        /// Nothing is wrong; it is worth knowing.
        Note,
    }

    /// One thing that is wrong with a rulebook.
    #[derive(Eq)]
    pub struct RulebookProblem {
        /// How bad it is.
        pub severity: Severity,
        /// The line, from 1.
        pub line: usize,
        /// The column of the first character meant, from 1.
        pub column: usize,
        /// How many characters are meant.
        pub length: usize,
        /// A stable word for the kind of problem.
        pub code: String,
        /// What is wrong.
        pub message: String,
        /// What to do about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub help: Option<String>,
        /// The rule it is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub rule: Option<String>,
        /// All of it as a terminal shows it, with the text underlined.
        pub rendered: String,
    }
}

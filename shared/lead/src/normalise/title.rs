//! Derives seniority from a job title.
//!
//! The words, and the decisions behind them, are in `lists/titles.txt`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::fold;
use super::lists;
use crate::profile::JobLevel;

/// Meaning of a phrase in a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Level(JobLevel),
    /// The person works for the one that the title names next.
    Serves,
    Nothing,
}

#[derive(Default)]
struct Phrases {
    whole: BTreeMap<Vec<String>, Says>,
    endings: Vec<(String, Says)>,
    beginnings: Vec<(String, Says)>,
    /// The number of words in the longest phrase.
    longest: usize,
}

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| {
    let mut phrases = Phrases::default();
    for (says, phrase) in listed() {
        if let Some(ending) = phrase.strip_prefix('*') {
            phrases.endings.push((words(ending).concat(), says));
        } else if let Some(beginning) = phrase.strip_suffix('*') {
            phrases.beginnings.push((words(beginning).concat(), says));
        } else {
            let words = words(phrase);
            phrases.longest = phrases.longest.max(words.len());
            phrases.whole.insert(words, says);
        }
    }
    phrases.endings.sort_by_key(|(ending, _)| std::cmp::Reverse(ending.len()));
    phrases
});

/// Returns the phrases of the list in order, each with its meaning.
fn listed() -> impl Iterator<Item = (Says, &'static str)> {
    lists::entries(include_str!("lists/titles.txt")).flat_map(|line| {
        let (name, phrases) = line.split_once(':').unwrap_or_default();
        let says = match name {
            "c_level" => Says::Level(JobLevel::CLevel),
            "vp" => Says::Level(JobLevel::Vp),
            "director" => Says::Level(JobLevel::Director),
            "manager" => Says::Level(JobLevel::Manager),
            "staff" => Says::Level(JobLevel::Staff),
            "intern" => Says::Level(JobLevel::Intern),
            "serves" => Says::Serves,
            _ => Says::Nothing,
        };
        phrases.split(',').map(move |phrase| (says, phrase.trim()))
    })
}

/// Splits a title into folded words. Both spellings of an umlaut give the same word (`fuehrer`, `führer`).
///
/// Abbreviations lose their full stops (`C.E.O.`).
fn words(title: &str) -> Vec<String> {
    let undotted = title.split_whitespace().map(|word| {
        let abbreviation = word.split('.').all(|part| part.chars().count() <= 1);
        if abbreviation { word.replace('.', "") } else { word.to_owned() }
    });
    let undotted = undotted.collect::<Vec<_>>().join(" ");
    fold::words(&undotted)
        .into_iter()
        .map(|word| word.replace("ae", "a").replace("oe", "o").replace("ue", "u"))
        .collect()
}

/// Derives seniority from a job title in English, German, Spanish, French, Italian, Portuguese, Dutch or Swedish.
///
/// Returns `None` for a title without a known word, and for a past title (`former CEO`).
///
/// ```
/// use fairleader_lead::profile::JobLevel;
/// use fairleader_lead::normalise::title;
///
/// assert_eq!(title::level("Geschäftsführer"), Some(JobLevel::CLevel));
/// assert_eq!(title::level("Vice President Sales"), Some(JobLevel::Vp));
/// assert_eq!(title::level("Assistant to the CEO"), Some(JobLevel::Staff));
/// ```
pub fn level(title: &str) -> Option<JobLevel> {
    let words = words(title);
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    if has(&["former", "ex", "retired", "ehemaliger", "ehemalige", "exdirector", "retraite", "jubilado", "jubilada"]) {
        return None;
    }
    let said = said(&words);
    let is_intern = said.iter().any(|(_, says)| *says == Says::Level(JobLevel::Intern));
    if said.iter().any(|(_, says)| *says == Says::Serves) {
        return Some(if is_intern { JobLevel::Intern } else { JobLevel::Staff });
    }
    let levels =
        || said.iter().filter_map(|(at, says)| if let Says::Level(level) = says { Some((*at, *level)) } else { None });
    // `Chief of Staff to the CEO`: ignore the person they work for.
    let first = levels().next().map_or(0, |(at, _)| at);
    let end = words.iter().skip(first).position(|word| word == "to").map_or(words.len(), |after| first + after);
    match levels().filter(|(at, _)| *at < end).map(|(_, level)| level).max() {
        // An intern in management is an intern, but a student who founded a company is its founder.
        Some(JobLevel::Staff | JobLevel::Manager | JobLevel::Director) if is_intern => Some(JobLevel::Intern),
        Some(JobLevel::Manager) if has(&["junior", "jr"]) => Some(JobLevel::Staff),
        highest => highest,
    }
}

/// Finds the known phrases of a title from left to right, without overlaps, each with the position of its first word.
fn said(words: &[String]) -> Vec<(usize, Says)> {
    let mut said = Vec::new();
    let mut at = 0;
    while let Some(rest) = words.get(at..).filter(|rest| !rest.is_empty()) {
        let (says, used) = phrase_at(rest).unwrap_or((Says::Nothing, 1));
        said.push((at, says));
        at += used;
    }
    said
}

/// Finds the longest phrase at the start of `words`, and how many words it uses.
fn phrase_at(words: &[String]) -> Option<(Says, usize)> {
    let whole = (1..=PHRASES.longest.min(words.len())).rev().find_map(|length| {
        let says = PHRASES.whole.get(words.get(..length)?)?;
        Some((*says, length))
    });
    whole.or_else(|| {
        let word = words.first()?;
        let ending = PHRASES.endings.iter().find(|(ending, _)| word.ends_with(ending.as_str()));
        let beginning = || PHRASES.beginnings.iter().find(|(beginning, _)| word.starts_with(beginning.as_str()));
        ending.or_else(beginning).map(|(_, says)| (*says, 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(level_expected: Option<JobLevel>, titles: &str) {
        for title in titles.split("; ") {
            assert_eq!(level(title), level_expected, "{title}");
        }
    }

    #[test]
    fn recognises_the_top_of_a_company() {
        check(
            Some(JobLevel::CLevel),
            "CEO; C.E.O.; Chief Executive Officer; CTO & Co-Founder; Founder; Owner; President; President and CEO; \
             Managing Director; Managing Partner; Geschäftsführer; Geschaeftsfuehrerin; GESCHÄFTSFÜHRER/IN; \
             Geschäftsführender Gesellschafter; Vorstand Vertrieb; Vorstandsvorsitzender; Vertriebsvorstand; Inhaber; \
             Mitglied der Geschäftsleitung; Director General; Directora General; Gerente General; Consejero Delegado; \
             Propietaria; Socio fundador; PDG; Directeur Général; Gérante; Amministratore Delegato; Titolare; Diretor \
             Geral; Sócio; Algemeen directeur; Eigenaar; VD; Verkställande direktör; Ägare; CEO / Inhaber; Chief \
             Information Security Officer; Executive Director; Founder & Product Manager",
        );
    }

    #[test]
    fn recognises_leaders_of_departments_and_above() {
        check(
            Some(JobLevel::Vp),
            "VP; VP of Sales; Vice President; Vice-President, Marketing; SVP Operations; Vizepräsident; \
             Vicepresidenta; Vice-président",
        );
        check(
            Some(JobLevel::Director),
            "Director; Sales Director; Director of Engineering; Director de Marketing; Directrice commerciale; \
             Direttore vendite; Diretora de RH; Commercieel directeur; Head of IT; IT-Leiter; Leiterin Einkauf; \
             Abteilungsleiter; Bereichsleiterin; Leiter Key Account Management; Vertriebsleitung; Hoofd inkoop; \
             Försäljningschef; Marketingdirektor; Chief of Staff to the CEO; Directeur artistique",
        );
    }

    #[test]
    fn recognises_leaders_of_teams() {
        check(
            Some(JobLevel::Manager),
            "Manager; Marketing Manager; Senior Manager Procurement; Gerente de ventas; Gerente; Jefe de compras; \
             Jefa de equipo; Responsable marketing; Responsabile acquisti; Chef d’équipe; Chef; Teamleiter; \
             Gruppenleiterin; Team Lead; Teamleider; Vertriebsmanager; Coordenadora de TI; Supervisor; Lead \
             Developer; Assistant Manager",
        );
    }

    #[test]
    fn is_not_misled_by_words_within_titles() {
        check(
            Some(JobLevel::Staff),
            "Assistant to the CEO; CEO Assistant; Executive Assistant to the President; Assistenz der \
             Geschäftsführung; Assistentin der Geschäftsleitung; Vorstandsassistent; Asistente de dirección general; \
             Assistante du PDG; Referent des Vorstands; Product Owner; Product-Owner; Process Owner; Account Manager; \
             Key-Account-Managerin; Projektmanager; Project Manager; Projektleiter; Chef de projet; Jefe de proyecto; \
             Gerente de proyectos; Office Manager; HR Business Partner; Founder's Associate; Zugbegleiter; Junior \
             Sales Manager; Software Engineer; Sachbearbeiterin Einkauf; Vertriebsmitarbeiter; Comercial; Ingénieur; \
             Consulente; Lead Generation Specialist; Account Executive; Administrador de sistemas",
        );
        check(
            Some(JobLevel::Intern),
            "Werkstudent; Werkstudentin Marketing; Praktikant; Becario; Stagiaire; Marketing Intern; Intern; Trainee; \
             Azubi; Estagiária; HR Manager Intern; Management Trainee; Intern to the Director; Praktikant Assistenz \
             der Geschäftsführung",
        );
        check(Some(JobLevel::CLevel), "Student & Founder");
        check(
            None,
            "; —; Wizard of light bulbs; former CEO; Ex-CEO; Vertrieb; 12345; Lead Generation; Student Success",
        );
    }

    #[test]
    fn gives_each_phrase_one_meaning() {
        let mut seen: BTreeMap<Vec<String>, Says> = BTreeMap::new();
        for (says, phrase) in listed().filter(|(_, phrase)| !phrase.contains('*')) {
            let before = seen.insert(words(phrase), says);
            assert!(before.is_none_or(|before| before == says), "{phrase}: {before:?} and {says:?}");
        }
    }
}

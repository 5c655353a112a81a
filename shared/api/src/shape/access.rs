//! People and keys.

use fairleader_lead::id::PersonId;
use fairleader_lead::people;
use fairleader_lead::people::PersonRole;
use jiff::Timestamp;

use crate::Role;

requests! {
    /// A person.
    pub struct Person {
        /// Their identifier; in a request it may be left out, because the path has it.
        pub person_id: PersonId,
        /// What they are called.
        pub name: String,
        /// Their e-mail address.
        pub email: String,
        /// For whom they speak.
        pub role: PersonRole,
    }

    /// What a key is made for: a program, or a person.
    #[derive(Default)]
    pub struct NewKey {
        /// What the program that holds it may do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub role: Option<Role>,
        /// The program: a source, a rep, or a name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub subject: Option<String>,
        /// The person who holds it, instead of `role` and `subject`: then it says who they are, and ends with them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub person: Option<PersonId>,
    }
}

replies! {
    /// The people.
    pub struct People {
        /// Everybody, in order of id.
        pub people: Vec<Person>,
    }

    /// A key that was made.
    pub struct MadeKey {
        /// Its id: the SHA-256 of the key in hex.
        pub id: String,
        /// The key itself. It is shown here and nowhere else.
        pub key: String,
        /// What its holder may do.
        pub role: Role,
        /// Who holds it.
        pub subject: String,
        /// The person who holds it, if it is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub person: Option<PersonId>,
    }

    /// A key, without its secret.
    pub struct Key {
        /// Its id: the SHA-256 of the key in hex.
        pub id: String,
        /// What its holder may do. For a person the role they have at the time counts.
        pub role: String,
        /// Who holds it.
        pub subject: String,
        /// The person who holds it, if it is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub person: Option<PersonId>,
        /// When it was made.
        pub created_at: Timestamp,
    }

    /// A page of keys, in no particular order.
    pub struct Keys {
        /// The keys.
        pub keys: Vec<Key>,
        /// Where the next page begins; `null` on the last one.
        pub next: Option<String>,
    }
}

impl From<people::Person> for Person {
    fn from(of: people::Person) -> Self {
        let people::Person { person_id, name, email, role } = of;
        Self { person_id, name, email, role }
    }
}

impl From<Person> for people::Person {
    fn from(said: Person) -> Self {
        let Person { person_id, name, email, role } = said;
        Self { person_id, name, email, role }
    }
}

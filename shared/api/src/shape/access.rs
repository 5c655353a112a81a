//! People and keys.

use fairleader_lead::id::PersonId;
use fairleader_lead::people;
use fairleader_lead::people::PersonRole;
use jiff::Timestamp;

use crate::Role;

requests! {
    /// Person who manages rules, leads or the roster.
    pub struct Person {
        /// Their identifier. Optional in a request, because it is in the path.
        pub person_id: PersonId,
        /// Their name.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 200)))]
        pub name: String,
        /// Their e-mail address.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 254)))]
        pub email: String,
        /// Their role.
        pub role: PersonRole,
    }

    /// Request for a key. Send either `role` and `subject` for a program, or `person`.
    #[derive(Default)]
    pub struct NewKey {
        /// The role of the program.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub role: Option<Role>,
        /// The program: the id of a source or rep, or a name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 64)))]
        pub subject: Option<String>,
        /// The person who gets the key. It has their role and becomes invalid when they are deleted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub person: Option<PersonId>,
    }
}

replies! {
    /// The people.
    pub struct People {
        /// Every person, by id.
        pub people: Vec<Person>,
    }

    /// Key that was just created.
    pub struct MadeKey {
        /// Its id: the SHA-256 of the key in hex.
        pub id: String,
        /// The key itself. Only this reply shows it.
        pub key: String,
        /// Its role.
        pub role: Role,
        /// The source, rep, person or program that holds it.
        pub subject: String,
        /// The person who holds it; missing for a program.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub person: Option<PersonId>,
    }

    /// Key, without the secret.
    pub struct Key {
        /// Its id: the SHA-256 of the key in hex.
        pub id: String,
        /// Its role. The key of a person always has the person's current role.
        pub role: String,
        /// The source, rep, person or program that holds it.
        pub subject: String,
        /// The person who holds it; missing for a program.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub person: Option<PersonId>,
        /// When it was created.
        pub created_at: Timestamp,
    }

    /// Page of keys, in no particular order.
    pub struct Keys {
        /// The keys.
        pub keys: Vec<Key>,
        /// Cursor of the next page; `null` on the last page.
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

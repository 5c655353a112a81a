use std::collections::{BTreeMap, BTreeSet};

use fairleader_domain::gate;
use fairleader_domain::gate::{Gate, RepNow};
use fairleader_domain::rotation::Rotation;
use fairleader_domain::routing;
use fairleader_domain::routing::{PoolNow, Ruled, World};
use fairleader_lead::account::AccountFacts;
use fairleader_lead::id::{LeadId, RepId, RulebookVersion, SourceId};
use fairleader_lead::normalise;
use fairleader_lead::normalise::company;
use fairleader_lead::profile::{EmailKind, PhoneKind, Profile};
use fairleader_lead::rep::RepLoad;
use fairleader_lead::state::{Stage, Standing, State};
use fairleader_lead::submission::list::List;
use fairleader_rulebook::{Facts, Rulebook};
use jiff::Timestamp;

use super::problems::FILES;
use super::*;

const RULES: &str = "rulebook.yaml";
const TERRITORIES: &str = "territories.csv";

fn problems(roster: &str, pools: &str, accounts: &str) -> String {
    let files = Files {
        roster: roster.into(),
        pools: pools.into(),
        accounts: Some(accounts.into()),
        people: None,
        rulebook: Vec::new(),
        tables: BTreeMap::new(),
        leads: None,
    };
    let problems = Company::from_files(files, Problems::default()).err().unwrap_or_default();
    problems.iter().map(|problem| problem.to_string() + "\n").collect()
}

const ROSTER_HEADER: &str = "rep,name,email,manager,zone,languages,skills,hours,capacity\n";

fn roster_of(rows: &str) -> String {
    problems(&format!("{ROSTER_HEADER}{rows}"), "pool,name,members\ninbound,Inbound,ann\n", "account,name\n")
}

const ANN: &str = "ann,Ann,ann@acme.example,,Europe/Berlin,de en,,mon-fri 09:00-17:00,5\n";

#[test]
fn reports_every_mistake_with_its_place_and_a_fix() {
    let told = problems(
        "\u{feff}rep;name;email;manager;zone;languages;skills;hours;capacity\r\n\
         ann;Ann;ann@acme.example;;Europe/Berlin;de en;;mon-fri 09:00-17:00;5\r\n\
         \r\n\
         Ben B;Ben;ben(at)acme.example;anne;Berlin;de, Klingon;;9 to 5;many\r\n\
         ann;Anna;ann+2@acme.example;;Europe/Londn;;;mo-fr 09:00-17:00;10001\r\n\
         cara;Cara;Ann@acme.example;cara;UTC;;;always;0\r\n\
         dora;;dora@acme.example;;UTC;;;always;\r\n",
        "pool,name,members,longest_wait,fallback\n\
         inbound,Inbound,ann:0 ann bne,60,inbuond\n\
         empty,Empty,,60,empty\n",
        "account,name,domains,parent,owner,status,deal_owner,tier,score\n\
         acme,Acme,acme.example www.acme.example,holding,zoe,,,,101\n\
         acme-uk,Acme UK,\"ACME.example, freemail.example\",acme-de,,costumer,,,\n\
         acme-de,Acme DE,no domain,acme-at,,,,,-1\n\
         acme-at,Acme AT,,acme-uk,,open deal,ann,,\n\
         self,Self,,self,,,,,\n",
    );
    insta::assert_snapshot!(told, @r"
    roster.csv:4: rep: `Ben B` is not a valid id for a rep; use up to 64 of `a-z 0-9 - _ .`, starting with a letter or digit, such as `ben-b`
    roster.csv:4: email: `ben(at)acme.example` is not an e-mail address; write it like name@company.example
    roster.csv:4: manager: `anne` is not in the roster; did you mean `ann`?
    roster.csv:4: zone: `Berlin` is not a time zone; did you mean `Europe/Berlin`?
    roster.csv:4: hours: `9 to 5` is not a span of hours; write spans like `mon-fri 09:00-17:00`, separated by commas, or `always`
    roster.csv:4: languages: `Klingon` is not a language code; write codes like `de en`
    roster.csv:4: capacity: `many` is not a whole number from 0 to 10000
    roster.csv:5: rep: `ann` is already used in line 2; give each rep a different id
    roster.csv:5: zone: `Europe/Londn` is not a time zone; did you mean `Europe/London`?
    roster.csv:5: hours: `mo` is not a day; use mon, tue, wed, thu, fri, sat or sun
    roster.csv:5: capacity: `10001` is not a whole number from 0 to 10000
    roster.csv:6: email: `Ann@acme.example` is also the address of `ann`; give each rep a different address
    roster.csv:6: manager: `cara` cannot be their own manager; leave the cell empty
    roster.csv:7: name: is empty; every row needs a value
    roster.csv:7: capacity: is empty; every row needs a value
    pools.csv:1: longest_wait: unknown column; did you mean `longest_wait_minutes`?
    pools.csv:2: fallback: unknown pool `inbuond`; did you mean `inbound`?
    pools.csv:2: members: the weight of `ann`: `0` is not a whole number from 1 to 1000
    pools.csv:2: members: `ann` is listed twice; for a larger share write `ann:2`
    pools.csv:2: members: `bne` is not in the roster; add them there, or remove them here
    pools.csv:3: members: is empty; every row needs a value
    pools.csv:3: fallback: `empty` cannot be its own fallback; name another pool, or leave the cell empty
    accounts.csv:2: parent: unknown account `holding`; add the account, or leave the cell empty
    accounts.csv:2: owner: `zoe` is not in the roster; add them there, or leave the cell empty
    accounts.csv:2: domains: `www.acme.example` is not a registered domain; write `acme.example`
    accounts.csv:2: score: `101` is not a whole number from 0 to 100
    accounts.csv:3: domains: `acme.example` already belongs to `acme`; list each domain in one row only
    accounts.csv:3: domains: `freemail.example` is a public mailbox provider, so it does not identify a company; remove it
    accounts.csv:3: status: `costumer` is not a status; did you mean `customer`?
    accounts.csv:3: parent: `acme-uk`, `acme-de` and `acme-at` form a cycle of parents; leave one of the cells empty
    accounts.csv:4: domains: `no` is not a domain; write it like acme.example
    accounts.csv:4: domains: `domain` is not a domain; write it like acme.example
    accounts.csv:4: score: `-1` is not a whole number from 0 to 100
    accounts.csv:6: parent: `self` cannot be its own parent; leave the cell empty
    ");
}

#[test]
fn reports_problems_of_the_header_by_column() {
    insta::assert_snapshot!(
        problems("rep,Name,e-mail,email,zone,hours,hours,\nann,Ann,,,,,,\n", "", "account\tnom\n"),
        @r"
        roster.csv:1: e-mail: unknown column; did you mean `email`?
        roster.csv:1: hours: appears twice in the header; remove one of the columns
        roster.csv:1: a column has no name; name it or remove it
        roster.csv:1: capacity: the column is missing; add it to the header
        pools.csv: is empty; its first line must name the columns: pool,name,members,longest_wait_minutes,fallback
        accounts.csv:1: nom: unknown column; the columns are: account, name, domains, parent, owner, status, deal_owner, tier, score
        accounts.csv:1: name: the column is missing; add it to the header
        "
    );
    // A rep whose row could not be read is not reported as unknown.
    insta::assert_snapshot!(
        problems(&format!("{ROSTER_HEADER}ann,Ann,,,\n"), "pool,name,members\ninbound,Inbound,ann\n", "account,name\n"),
        @"roster.csv:2: the row has 5 cells, but the header has 9; put text that contains a comma in double quotes"
    );
    insta::assert_snapshot!(problems(ROSTER_HEADER, "pool,name,members\n", "account,name\n"), @r"
    roster.csv: has no reps; add a row for each rep
    pools.csv: has no pools; add a row for each pool
    ");
    assert_eq!(problems("\u{0}\u{1}", "x", "y").lines().count(), 7 + 4 + 3);
}

#[test]
fn a_roster_may_come_from_a_spreadsheet() {
    assert_eq!(roster_of(ANN), "");
    assert_eq!(roster_of(&format!("\n,,,,,,,,\n{}", ANN.replace("de en", "\"Deutsch, English\""))), "");
    insta::assert_snapshot!(roster_of(&ANN.replace("Europe/Berlin", "new york")), @"roster.csv:2: zone: `new york` is not a time zone; did you mean `America/New_York`?");
    insta::assert_snapshot!(
        roster_of(&format!("{ANN}ben,Ben,ben@acme.example,cy,UTC,,,never,0\ncy,Cy,cy@acme.example,ben,UTC,,,always,1\n")),
        @"roster.csv:3: manager: `ben` and `cy` form a cycle of managers; leave one of the cells empty"
    );
}

#[test]
fn names_missing_files() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(ROSTER), "rep").unwrap();
    std::fs::create_dir(folder.path().join(LEADS)).unwrap();
    let problems = Company::read(folder.path()).unwrap_err();
    let files: Vec<&str> = problems.iter().map(|problem| problem.file.as_ref()).collect();
    assert_eq!(files, [POOLS, RULEBOOK, LEADS]);
    assert!(problems[0].to_string().contains("not found in"), "{}", problems[0]);
}

/// Returns all problems of a folder.
fn told(folder: &Path) -> String {
    let told: Vec<String> = Company::read(folder).unwrap_err().iter().map(ToString::to_string).collect();
    told.join("\n")
}

#[test]
fn reads_a_folder_like_the_embedded_demo() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo");
    for file in FILES.into_iter().chain([TERRITORIES]) {
        std::fs::copy(demo.join(file), folder.path().join(file)).unwrap();
    }
    let (read, embedded) = (Company::read(folder.path()).unwrap(), Company::embedded().unwrap());
    assert_eq!((read.reps, read.pools, read.accounts), (embedded.reps, embedded.pools, embedded.accounts));
    assert_eq!((read.rulebook, read.leads), (embedded.rulebook, embedded.leads));
    assert_eq!((read.tables.len(), read.tables), (1, embedded.tables));
    assert_eq!((read.people.len(), read.people), (2, embedded.people));

    std::fs::remove_file(folder.path().join(LEADS)).unwrap();
    std::fs::remove_file(folder.path().join(ACCOUNTS)).unwrap();
    std::fs::remove_file(folder.path().join(PEOPLE)).unwrap();
    let bare = Company::read(folder.path()).unwrap();
    assert_eq!((bare.accounts.len(), bare.people.len(), bare.leads), (0, 0, None));

    let people = "person,name,email,role\nmara,Mara,mara@acme.example,marketting\nmara,Otto,otto,boss\n";
    std::fs::write(folder.path().join(PEOPLE), people).unwrap();
    insta::assert_snapshot!(told(folder.path()), @r"
    people.csv:2: role: `marketting` is not a role; did you mean `marketing`?
    people.csv:3: person: `mara` is already used in line 2; give each person a different id
    people.csv:3: email: `otto` is not an e-mail address; write it like name@company.example
    people.csv:3: role: `boss` is not a role; use one of marketing, sales, admin, viewer
    ");
    std::fs::remove_file(folder.path().join(PEOPLE)).unwrap();

    std::fs::write(folder.path().join(TERRITORIES), "country,pool\nCH\nBE,dach,\nIT,dach\nIT,dach,x\n").unwrap();
    insta::assert_snapshot!(told(folder.path()), @"
    territories.csv:2: the row has 1 cell, but the header has 2
    territories.csv:3: the row has 3 cells, but the header has 2
    territories.csv:5: the row has 3 cells, but the header has 2
    ");
    std::fs::write(folder.path().join(TERRITORIES), b"country,pool\nCH,Z\xfcrich\n").unwrap();
    insta::assert_snapshot!(told(folder.path()), @"territories.csv:2: not UTF-8 text; save the file as UTF-8");
    std::fs::remove_file(folder.path().join(TERRITORIES)).unwrap();
    let missing = told(folder.path()).replace(&folder.path().display().to_string(), "company");
    insta::assert_snapshot!(missing, @"territories.csv: not found in `company`, but rulebook.yaml uses this table");

    std::fs::write(folder.path().join(RULEBOOK), b"company:\n\xff").unwrap();
    let problems = Company::read(folder.path()).unwrap_err();
    assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [Some(2)]);
}

/// The demo's start: Tuesday, 10:00 in Berlin.
fn start() -> Timestamp {
    "2026-03-03T10:00[Europe/Berlin]".parse::<jiff::Zoned>().unwrap().timestamp()
}

fn demo_rulebook(company: &Company) -> Rulebook {
    let checked = Rulebook::parse(&company.rulebook, &company.references());
    let told = |found: &[fairleader_rulebook::Diagnostic]| {
        found.iter().map(|diagnostic| diagnostic.render(&company.rulebook, RULES)).collect::<String>()
    };
    let checked = checked.unwrap_or_else(|found| panic!("{}", told(&found)));
    assert_eq!(told(&checked.warnings), "");
    checked.rulebook
}

#[test]
fn the_demo_company_is_complete() {
    let company = Company::embedded().unwrap_or_else(|problems| panic!("{problems:#?}"));
    let rulebook = demo_rulebook(&company);
    assert!(rulebook.rule_names().count() >= 12);
    assert!(company.reps.len() >= 12);
    assert_eq!((company.pools.len(), company.accounts.len()), (6, 40));
    let zones: BTreeSet<&str> = company.reps.iter().map(|rep| rep.zone.as_str()).collect();
    let languages: BTreeSet<&String> = company.reps.iter().flat_map(|rep| &rep.languages).collect();
    assert!(zones.len() >= 6 && languages.len() >= 8);
    assert!(
        zones.iter().any(|zone| zone.starts_with("Europe/")) && zones.iter().any(|zone| zone.starts_with("America/"))
    );
    assert!(company.accounts.iter().filter(|account| account.parent.is_some()).count() >= 8);

    let open = |pool: &str, at: Timestamp| {
        let world = world(&company);
        let pool = &world.pools[&pool.into()].pool;
        pool.members.iter().filter(|member| gate::shut(&world.roster, &member.rep, at).is_none()).count()
    };
    assert_eq!(open("americas", start()), 0, "the Americas are not at work when the demo starts");
    for hour in 0..7 * 24 {
        let at = start() + jiff::SignedDuration::from_hours(hour);
        assert!(open("watch", at) >= 1, "always staffed: {at}");
    }
}

#[test]
fn the_demo_has_no_real_addresses_or_numbers() {
    let company = Company::embedded().unwrap();
    let leads = String::from_utf8(company.leads.clone().unwrap()).unwrap();
    let everything = format!("{leads}{}{:?}{:?}", company.rulebook, company.reps, company.accounts);
    let hosts = everything.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '@'))).filter_map(|word| {
        let (_, host) = word.split_once('@')?;
        host.contains('.').then(|| host.trim_end_matches('.').to_lowercase())
    });
    let wrong: Vec<String> = hosts.filter(|host| !host.ends_with(".example")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");

    // Number ranges that regulators reserve for fiction.
    let reserved = [
        "+441134960",
        "+441214960",
        "+441414960",
        "+441614960",
        "+442079460",
        "+493023125",
        "+494066969",
        "+496990009",
        "+49221471",
        "+498999998",
        "+4917139200",
        "+33199",
        "+33261",
        "+33353",
        "+33465",
        "+33536",
        "+46701740",
        "+468465004",
    ];
    let numbers = rows(&company).into_iter().filter_map(|(_, profile)| profile?.contact.phone?.e164);
    let real: Vec<String> = numbers
        .filter(|number| {
            let american = number.starts_with("+1") && number.get(5..10).is_some_and(|rest| rest == "55501");
            !american && !reserved.iter().any(|range| number.starts_with(range))
        })
        .collect();
    assert!(real.is_empty(), "{real:?}");
}

fn world(company: &Company) -> World {
    let roster = company.reps.iter().cloned().map(|rep| (rep.rep_id.clone(), RepNow { rep, load: RepLoad::default() }));
    let pools = company.pools.iter().cloned();
    World {
        roster: roster.collect(),
        pools: pools.map(|pool| (pool.pool_id.clone(), PoolNow { pool, rotation: Rotation::default() })).collect(),
        turns: BTreeMap::new(),
    }
}

/// Returns every row of the list: its number, and the profile if the row is accepted.
fn rows(company: &Company) -> Vec<(u32, Option<Profile>)> {
    let list = List::parse(company.leads.as_deref().unwrap()).unwrap();
    list.rows().map(|row| (row.number, row.result.ok().map(|said| normalise::profile(&said)))).collect()
}

fn identities(profile: &Profile) -> Vec<String> {
    let email = profile.contact.email.as_ref().map(|email| email.identity.clone());
    let phone = profile.contact.phone.as_ref().filter(|phone| phone.kind == PhoneKind::Mobile);
    email.into_iter().chain(phone.and_then(|phone| phone.e164.clone())).collect()
}

/// Finds the account by the address's domain, the company's domain or its name, with what it inherits.
fn account_of(profile: &Profile, accounts: &[Account]) -> Option<AccountFacts> {
    let email = profile.contact.email.as_ref();
    let by_email = email
        .filter(|email| matches!(email.kind, EmailKind::Business | EmailKind::Role))
        .and_then(|email| company::registrable_domain(&email.domain));
    let domains: Vec<String> = by_email.into_iter().chain(profile.company.domain.clone()).collect();
    let key = profile.company.name.as_deref().map(company::key).filter(|key| !key.is_empty());
    let found = domains
        .iter()
        .find_map(|domain| accounts.iter().find(|account| account.domains.contains(domain)))
        .or_else(|| accounts.iter().find(|account| Some(company::key(&account.name)) == key));
    let line: Vec<Account> = std::iter::successors(found, |below| {
        accounts.iter().find(|account| Some(&account.account_id) == below.parent.as_ref())
    })
    .cloned()
    .collect();
    AccountFacts::inherit(&line)
}

/// Where a row ended.
struct Fate {
    row: u32,
    profile: Profile,
    account: Option<AccountFacts>,
    state: State,
}

/// Runs the list through the pure functions: no queues, no tables, no passing of time.
fn run(company: &Company) -> (Vec<Fate>, usize) {
    let rulebook = demo_rulebook(company);
    let mut world = world(company);
    let (source, now) = (SourceId::from("list"), start());
    let mut owners: BTreeMap<String, LeadId> = BTreeMap::new();
    let (mut fates, mut refused) = (Vec::new(), 0);
    for (row, profile) in rows(company) {
        let Some(mut profile) = profile else {
            refused += 1;
            continue;
        };
        let lead_id = LeadId::new(format!("{row:03}"));
        profile.said(&lead_id, "", now);
        let mut state = State::stored(lead_id.clone(), source.clone(), now, String::new());
        let account = account_of(&profile, &company.accounts);
        let mine = identities(&profile);
        if let Some(first) = mine.iter().find_map(|identity| owners.get(identity)) {
            state.standing = Standing::Merged { into: first.clone() };
            fates.push(Fate { row, profile, account, state });
            continue;
        }
        owners.extend(mine.into_iter().map(|identity| (identity, lead_id.clone())));
        let facts =
            Facts { profile: &profile, source: &source, received_at: now, account: account.as_ref(), score: None, now };
        let score = rulebook.score(&facts);
        let ruling = rulebook.decide(&Facts { score: Some(&score), ..facts });
        let ruled = Ruled::by(ruling, state, score, RulebookVersion::from("000001"));
        let plan = routing::plan(vec![ruled], world.clone(), now);
        assert!(plan.refused.is_empty());
        for group in plan.groups {
            for turns in group.turns {
                world.pools.get_mut(&turns.pool).unwrap().rotation = turns.rotation;
            }
            for (rep, seats) in group.seats {
                let open = &mut world.roster.get_mut(&rep).unwrap().load.open;
                *open = open.checked_add_signed(seats.delta).unwrap();
            }
            for planned in group.leads {
                let (profile, account) = (profile.clone(), account.clone());
                fates.push(Fate { row, profile, account, state: planned.change.state });
            }
        }
    }
    (fates, refused)
}

#[test]
fn the_demo_has_leads_in_every_stage_and_for_every_rule() {
    let company = Company::embedded().unwrap();
    let (fates, refused) = run(&company);
    assert_eq!(fates.len() + refused, 300);
    let count = |stage: Stage| fates.iter().filter(|fate| fate.state.stage() == stage).count();
    for (stage, few, many) in [
        (Stage::Assigned, 110, 160),
        (Stage::Waiting, 15, 35),
        (Stage::Nurturing, 55, 95),
        (Stage::Disqualified, 9, 24),
        (Stage::Held, 3, 9),
        (Stage::Merged, 20, 30),
    ] {
        assert!((few..=many).contains(&count(stage)), "{}: {}", stage.as_str(), count(stage));
    }
    assert!((9..=15).contains(&refused), "{refused}");

    let rulebook = demo_rulebook(&company);
    let won: BTreeSet<&str> =
        fates.iter().filter_map(|fate| fate.state.decided.as_ref().map(|decided| decided.rule.as_str())).collect();
    let idle: Vec<&str> = rulebook.rule_names().filter(|rule| !won.contains(rule)).collect();
    assert!(idle.is_empty(), "rules without a lead in the demo: {idle:?}");
}

#[test]
fn the_demo_has_its_five_stories() {
    let company = Company::embedded().unwrap();
    let (fates, _) = run(&company);
    let some = |what: &str, is: &dyn Fn(&Fate) -> bool| {
        let found: Vec<u32> = fates.iter().filter(|fate| is(fate)).map(|fate| fate.row).collect();
        assert!(!found.is_empty(), "{what}");
    };
    let did = |fate: &Fate, what: &str| fate.profile.interest.did.as_deref() == Some(what);
    some("a junk lead", &|fate| fate.state.stage() == Stage::Disqualified && fate.state.reason() == Some("junk"));
    some("a `gerente` who asks for a demo", &|fate| {
        let title = fate.profile.contact.job_title.as_deref().unwrap_or_default().to_lowercase();
        title.contains("gerente") && did(fate, "demo") && fate.state.stage() == Stage::Assigned
    });
    some("a subsidiary to the owner of its parent", &|fate| {
        let inherited =
            fate.account.as_ref().filter(|facts| facts.owner_from.as_ref() != Some(&facts.account.account_id));
        inherited.is_some_and(|facts| facts.owner.is_some() && facts.owner.as_ref() == fate.state.owner())
    });
    some("a repeat to the same rep", &|fate| {
        fates.iter().any(|first| {
            first.state.stage() == Stage::Assigned && fate.state.merged_into() == Some(&first.state.lead_id)
        })
    });
    some("a lead that is not ready", &|fate| fate.state.reason() == Some("not_an_mql"));
    some("a rep at capacity", &|fate| {
        let full = company.reps.iter().find(|rep| rep.rep_id.as_str() == "callum").unwrap();
        let open = fates.iter().filter(|fate| fate.state.owner() == Some(&full.rep_id)).count();
        fate.state.owner() == Some(&full.rep_id) && open >= usize::try_from(full.capacity).unwrap()
    });
}

#[test]
fn plain_round_robin_would_choose_wrong_reps() {
    let company = Company::embedded().unwrap();
    let (fates, _) = run(&company);
    let roster = world(&company).roster;
    // Why this rep would be wrong for the lead.
    let wrong = |fate: &Fate, rep: &RepId| {
        let deal = |facts: &AccountFacts| facts.account.deal_owner.clone();
        let owner = fate.account.as_ref().and_then(|facts| deal(facts).or_else(|| facts.owner.clone()));
        let owner = owner.as_ref();
        let language = fate.profile.contact.language.as_ref();
        if owner.is_some_and(|owner| owner != rep) {
            Some("another rep owns the account")
        } else if gate::shut(&roster, rep, start()) == Some(Gate::OutsideHours) && owner != Some(rep) {
            Some("not at work")
        } else if language.is_some_and(|language| !roster[rep].rep.languages.contains(language)) {
            Some("does not speak the language")
        } else {
            None
        }
    };
    let assigned = || fates.iter().filter(|fate| fate.state.stage() == Stage::Assigned);
    let mut by_turns: BTreeMap<&str, usize> = BTreeMap::new();
    for (fate, rep) in assigned().zip(company.reps.iter().cycle()) {
        if let Some(why) = wrong(fate, &rep.rep_id) {
            *by_turns.entry(why).or_default() += 1;
        }
    }
    assert!(by_turns.len() == 3 && by_turns.values().all(|count| *count >= 10), "{by_turns:?}");
    let by_rules = assigned().filter(|fate| wrong(fate, fate.state.owner().unwrap()).is_some()).count();
    assert!(by_rules * 8 < by_turns.values().sum(), "{by_rules} of {by_turns:?}");
}

//! Fair rotation: exact shares, served by the chairman-assignment rule.
//!
//! Every lead costs one turn. The turn is credited to the members who could take the lead, by weight, and the member
//! who takes it pays for the whole turn. A member's *lag* is their credit minus the turns they took. It is positive if
//! they are owed leads. The lags in a pool always sum to zero, including those of former members.
//!
//! While the eligible members stay the same, the next lead goes to the member with the earliest deadline among those
//! who are owed enough to be served (R. Tijdeman, "The chairman assignment problem", Discrete Mathematics 32, 1980).
//! Then no member is ever a whole lead away from their exact share, at any time and for any weights. If the eligible
//! members change from one lead to the next (Fagin and Williams' carpool problem), deadlines are unknown, and the lead
//! goes to the member who is owed most.
//!
//! All amounts are whole billionths of a turn.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use fairleader_lead::id::{PoolId, RepId};

/// One turn, the cost of a lead, in billionths.
pub const TURN: i64 = 1_000_000_000;

/// Rotation of a pool: what every member is owed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Number of commits. A commit names the version that it read.
    pub version: u64,
    /// Number of turns, both taken and given back.
    pub turns: u64,
    /// Standing of each member, including former ones.
    pub standings: BTreeMap<RepId, Standing>,
    /// Members who could take the last lead, by id. While they stay the same, deadlines are known.
    #[serde(default)]
    pub last_eligible: Vec<RepId>,
}

/// Standing of a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Credit minus turns taken, in billionths of a turn. Positive if they are owed leads.
    pub lag: i64,
    /// Leads taken and not given back.
    pub got: u64,
    /// Their exact share of all leads so far, in billionths of a turn: `got` turns plus `lag`.
    pub share: i64,
    /// Number of the last turn that they took; 0 if none.
    pub last_turn: u64,
}

/// Members of a pool who can take the current lead: at least one, without duplicates, by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eligible {
    first: Member,
    rest: Vec<Member>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    rep: RepId,
    /// At least 1.
    weight: u32,
    /// Order in the first round.
    tie: u64,
}

/// Eligible member who pays for a lead.
#[derive(Clone, Copy, Debug)]
pub struct Payer<'a> {
    rep: &'a RepId,
    among: &'a Eligible,
}

impl Eligible {
    /// Creates the set from members of `pool` and their weights. Returns `None` if there are none. A weight of 0 counts
    /// as 1.
    pub fn of(pool: &PoolId, members: impl IntoIterator<Item = (RepId, u32)>) -> Option<Self> {
        let unique: BTreeMap<RepId, u32> = members.into_iter().collect();
        let mut members = unique.into_iter().map(|(rep, weight)| {
            let tie = tie(pool, &rep);
            Member { rep, weight: weight.max(1), tie }
        });
        let first = members.next()?;
        Some(Self { first, rest: members.collect() })
    }

    /// Makes `rep` the payer. Returns `None` if they are not eligible.
    pub fn payer(&self, rep: &RepId) -> Option<Payer<'_>> {
        let member = self.iter().find(|member| member.rep == *rep)?;
        Some(Payer { rep: &member.rep, among: self })
    }

    fn iter(&self) -> impl Iterator<Item = &Member> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    fn len(&self) -> usize {
        self.rest.len().saturating_add(1)
    }
}

/// Returns a hash of pool and member that is the same on every machine (64-bit FNV-1a with the last step of
/// splitmix64). With it, pools with the same members do not all start with the same one.
fn tie(pool: &PoolId, rep: &RepId) -> u64 {
    let bytes = pool.as_str().bytes().chain([0]).chain(rep.as_str().bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Turn that was taken or given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Number of the turn in its pool, from 1.
    pub number: u64,
    /// The member who took it and paid for it, or who got it back.
    pub taken_by: RepId,
    /// The credit of each eligible member, in billionths; the sum is one turn. Negative if the turn was given back.
    pub credits: BTreeMap<RepId, i64>,
    /// The lag of each eligible member before, in billionths.
    pub lags_before: BTreeMap<RepId, i64>,
}

impl Rotation {
    /// Gives the next lead to one of `eligible`.
    pub fn take(&mut self, eligible: &Eligible) -> Turn {
        let rep = self.next(eligible).clone();
        self.charge(Payer { rep: &rep, among: eligible })
    }

    /// Charges a member for a lead, even if it was another member's turn, and credits all eligible members. The payer
    /// is one of them, so the lags still sum to zero.
    pub fn charge(&mut self, payer: Payer<'_>) -> Turn {
        let credits = self.credits(payer.among);
        self.turns = self.turns.saturating_add(1);
        let lags_before = credits.keys().map(|member| (member.clone(), self.lag(member))).collect();
        for (member, credit) in &credits {
            let standing = self.standings.entry(member.clone()).or_default();
            standing.lag = standing.lag.saturating_add(*credit);
            standing.share = standing.share.saturating_add(*credit);
        }
        let standing = self.standings.entry(payer.rep.clone()).or_default();
        standing.lag = standing.lag.saturating_sub(TURN);
        standing.got = standing.got.saturating_add(1);
        standing.last_turn = self.turns;
        self.last_eligible = credits.keys().cloned().collect();
        Turn { number: self.turns, taken_by: payer.rep.clone(), credits, lags_before }
    }

    /// Gives a turn back, so that every member stands as if the lead had never arrived.
    pub fn give_back(&mut self, taken: &Turn) -> Turn {
        self.turns = self.turns.saturating_add(1);
        let lags_before = taken.credits.keys().map(|member| (member.clone(), self.lag(member))).collect();
        let credits: BTreeMap<RepId, i64> =
            taken.credits.iter().map(|(member, credit)| (member.clone(), credit.saturating_neg())).collect();
        for (member, credit) in &credits {
            let standing = self.standings.entry(member.clone()).or_default();
            standing.lag = standing.lag.saturating_add(*credit);
            standing.share = standing.share.saturating_add(*credit);
        }
        let standing = self.standings.entry(taken.taken_by.clone()).or_default();
        standing.lag = standing.lag.saturating_add(TURN);
        standing.got = standing.got.saturating_sub(1);
        Turn { number: self.turns, taken_by: taken.taken_by.clone(), credits, lags_before }
    }

    /// Returns what `rep` is owed, in billionths of a turn.
    pub fn lag(&self, rep: &RepId) -> i64 {
        self.standings.get(rep).map_or(0, |standing| standing.lag)
    }

    /// Divides one turn by weight. The remainder goes to the members who are owed most, one billionth each.
    fn credits(&self, eligible: &Eligible) -> BTreeMap<RepId, i64> {
        let total: i64 = eligible.iter().map(|member| i64::from(member.weight)).sum();
        let share = |member: &Member| TURN.saturating_mul(i64::from(member.weight)).checked_div(total).unwrap_or(0);
        let mut credits: BTreeMap<RepId, i64> =
            eligible.iter().map(|member| (member.rep.clone(), share(member))).collect();
        let mut left = TURN - credits.values().sum::<i64>();
        let mut order: Vec<&RepId> = eligible.iter().map(|member| &member.rep).collect();
        order.sort_by_key(|rep| (Reverse(self.lag(rep)), *rep));
        for rep in order {
            if left == 0 {
                break;
            }
            if let Some(credit) = credits.get_mut(rep) {
                *credit += 1;
                left -= 1;
            }
        }
        credits
    }

    /// Returns the member whose turn is next.
    fn next<'e>(&self, eligible: &'e Eligible) -> &'e RepId {
        let credits = self.credits(eligible);
        let unchanged = credits.keys().eq(self.last_eligible.iter());
        let owed = |member: &Member| self.lag(&member.rep) + credits.get(&member.rep).copied().unwrap_or(0);
        // Ties: the longest time since the last turn, then the higher weight, then the hash.
        let tie = |member: &'e Member| {
            let last = self.standings.get(&member.rep).map_or(0, |standing| standing.last_turn);
            (last, Reverse(member.weight), member.tie, &member.rep)
        };
        if unchanged && let Some(slack) = slack(eligible.len()) {
            let first = eligible.iter().filter(|member| owed(member) >= slack).min_by(|&a, &b| {
                // (1 - slack - owed) / share, compared crosswise; shares are weights over a common total.
                let due = |member: &Member| i128::from(TURN - slack - owed(member));
                let left = due(a) * i128::from(b.weight);
                let right = due(b) * i128::from(a.weight);
                left.cmp(&right).then_with(|| tie(a).cmp(&tie(b)))
            });
            if let Some(first) = first {
                return &first.rep;
            }
        }
        let before = |a: &'e Member, b: &'e Member| owed(b).cmp(&owed(a)).then_with(|| tie(a).cmp(&tie(b)));
        let least = |a, b| if before(b, a) == Ordering::Less { b } else { a };
        &eligible.rest.iter().fold(&eligible.first, least).rep
    }
}

/// Returns Tijdeman's `1 / (2k - 2)` for `k` members, in billionths. Returns `None` for a single member.
fn slack(members: usize) -> Option<i64> {
    let twice = i64::try_from(members).ok()?.checked_mul(2)?.checked_sub(2)?;
    TURN.checked_div(twice)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn members(weights: &[u32]) -> Vec<(RepId, u32)> {
        weights.iter().enumerate().map(|(i, weight)| (RepId::new(format!("r{i:02}")), *weight)).collect()
    }

    fn among(members: &[(RepId, u32)]) -> Eligible {
        Eligible::of(&PoolId::from("inbound"), members.to_vec()).unwrap()
    }

    fn worst(rotation: &Rotation) -> i64 {
        rotation.standings.values().map(|standing| standing.lag.abs()).max().unwrap_or(0)
    }

    fn check(rotation: &Rotation) {
        assert_eq!(rotation.standings.values().map(|s| s.lag).sum::<i64>(), 0, "the lags sum to zero");
        for standing in rotation.standings.values() {
            assert_eq!(standing.share - i64::try_from(standing.got).unwrap() * TURN, standing.lag);
        }
    }

    proptest! {
        /// The lags sum to zero whichever turns are given back, and all members are level after all turns are.
        #[test]
        fn giving_a_turn_back_undoes_it(
            weights in proptest::collection::vec(1_u32..9, 1..6),
            away in proptest::collection::vec(0_usize..6, 1..30),
            order in any::<usize>(),
        ) {
            let all = members(&weights);
            let mut rotation = Rotation::default();
            let mut taken = Vec::new();
            for away in away {
                let here = all.iter().enumerate().filter(|(i, _)| *i != away).map(|(_, m)| m.clone());
                if let Some(here) = Eligible::of(&PoolId::from("inbound"), here) {
                    taken.push(rotation.take(&here));
                }
                check(&rotation);
            }
            let count = taken.len();
            prop_assert_eq!(rotation.standings.values().map(|s| s.got).sum::<u64>(), u64::try_from(count).unwrap());
            while !taken.is_empty() {
                let turn = taken.swap_remove(order % taken.len());
                let before = rotation.lag(&turn.taken_by);
                let back = rotation.give_back(&turn);
                check(&rotation);
                prop_assert_eq!(back.credits.values().sum::<i64>(), -TURN);
                let own = turn.credits[&turn.taken_by];
                prop_assert_eq!(rotation.lag(&turn.taken_by), before + TURN - own);
            }
            prop_assert!(rotation.standings.values().all(|s| s.lag == 0 && s.got == 0 && s.share == 0));
            prop_assert_eq!(rotation.turns, u64::try_from(2 * count).unwrap(), "every entry has its own number");
        }
    }

    #[test]
    fn equal_members_take_turns() {
        let (mut rotation, members) = (Rotation::default(), among(&members(&[1, 1, 1])));
        let order: Vec<_> = (0..6).map(|_| rotation.take(&members).taken_by.to_string()).collect();
        let (round, next) = order.split_at(3);
        assert_eq!(round, next);
        assert_eq!(round.iter().collect::<std::collections::BTreeSet<_>>().len(), 3, "{round:?}");
        check(&rotation);
    }

    #[test]
    fn only_an_eligible_member_can_pay() {
        let inbound = PoolId::from("inbound");
        assert_eq!(Eligible::of(&inbound, []), None);
        let twice = Eligible::of(&inbound, [(RepId::from("anna"), 2), (RepId::from("anna"), 2)]).unwrap();
        assert_eq!((twice.len(), twice.first.weight), (1, 2), "each of them once");
        assert!(twice.payer(&RepId::from("anna")).is_some());
        assert!(twice.payer(&RepId::from("ben")).is_none());
    }

    #[test]
    fn pools_with_the_same_members_start_with_different_ones() {
        let mut begins: BTreeMap<RepId, usize> = BTreeMap::new();
        for number in 0..20 {
            let eligible = Eligible::of(&PoolId::new(format!("pool-{number}")), members(&[1, 1, 1, 1])).unwrap();
            *begins.entry(Rotation::default().take(&eligible).taken_by).or_default() += 1;
        }
        assert_eq!(begins.len(), 4, "each of them somewhere: {begins:?}");
        assert!(begins.values().all(|count| *count <= 10), "{begins:?}");
    }

    #[test]
    fn a_new_member_starts_level_and_a_removal_changes_nothing() {
        let mut rotation = Rotation::default();
        let two = members(&[2, 1]);
        for _ in 0..50 {
            rotation.take(&among(&two));
        }
        let before = rotation.standings.clone();
        let three = members(&[2, 1, 1]);
        assert_eq!(rotation.lag(&three[2].0), 0);
        for _ in 0..400 {
            rotation.take(&among(&three));
        }
        check(&rotation);
        let joined = rotation.standings[&three[2].0].got;
        assert!((99..=101).contains(&joined), "a quarter of 400, not a flood: {joined}");
        rotation.take(&among(&two));
        assert_eq!(rotation.standings[&three[2].0].got, joined);
        assert_eq!(before.len(), 2);
    }

    #[test]
    fn balances_a_charge_out_of_turn() {
        let (mut rotation, members) = (Rotation::default(), members(&[1, 1]));
        let both = among(&members);
        for _ in 0..2 {
            rotation.charge(both.payer(&members[0].0).unwrap());
        }
        let next: Vec<_> = (0..2).map(|_| rotation.take(&both).taken_by).collect();
        assert_eq!(next, [members[1].0.clone(), members[1].0.clone()]);
        check(&rotation);
    }

    /// Returns the next number of a generator with a fixed seed, so that results are reproducible (splitmix64 by Steele
    /// and Vigna).
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Takes a turn by the largest-lag-first rule, for comparison.
    fn largest_lag_first(rotation: &mut Rotation, eligible: &Eligible) {
        let credits = rotation.credits(eligible);
        let owed = |m: &Member| rotation.lag(&m.rep) + credits[&m.rep];
        let rep = eligible.iter().max_by(|a, b| owed(a).cmp(&owed(b)).then(b.rep.cmp(&a.rep))).unwrap().rep.clone();
        rotation.charge(eligible.payer(&rep).unwrap());
    }

    #[test]
    fn varying_sets_lag_no_more_than_under_largest_lag_first() {
        for (seed, subset) in [(1_u64, 2_usize), (2, 2), (3, 3), (4, 5)] {
            let (mut ours, mut theirs, mut state) = (Rotation::default(), Rotation::default(), seed);
            let all = members(&[1; 8]);
            let (mut our_worst, mut their_worst) = (0, 0);
            for _ in 0..20_000 {
                let mut pick: Vec<_> = all.clone();
                while pick.len() > subset {
                    let out = usize::try_from(random(&mut state) % u64::try_from(pick.len()).unwrap()).unwrap();
                    pick.remove(out);
                }
                let pick = among(&pick);
                ours.take(&pick);
                largest_lag_first(&mut theirs, &pick);
                our_worst = our_worst.max(worst(&ours));
                their_worst = their_worst.max(worst(&theirs));
            }
            check(&ours);
            println!("{subset} of 8: ours {our_worst}, largest lag first {their_worst}");
            assert!(our_worst <= their_worst + TURN / 10, "{subset} of 8: {our_worst} against {their_worst}");
        }
    }

    proptest! {
        /// With a fixed set, no member is ever a whole lead away from their exact share, for any weights.
        #[test]
        fn a_fixed_set_stays_within_one_lead_of_exact_shares(
            weights in proptest::collection::vec(1_u32..=1000, 1..12),
            leads in 1_usize..600,
        ) {
            let (mut rotation, members) = (Rotation::default(), among(&members(&weights)));
            for _ in 0..leads {
                rotation.take(&members);
                prop_assert!(worst(&rotation) < TURN, "{:?}", rotation.standings);
            }
            check(&rotation);
        }
    }
}

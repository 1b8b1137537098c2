//! What is broken, and when: chosen at random, the same again from the same seed.

use std::time::Duration;

use rand::Rng as _;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;

use super::{GATEWAYS, WORKERS};

/// The time between two acts.
const PAUSE_MS: std::ops::Range<u64> = 50..600;

/// One thing that is done to the fleet or to its servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    KillWorker(usize),
    KillGateway(usize),
    StopBroker,
    KillBroker,
    StartBroker,
    ResetBroker,
    DeleteQueues,
    CloseBrokerConnections,
    CutBrokerConnections,
    StopDatabase,
    KillDatabase,
    StartDatabase,
    CutDatabaseConnections,
}

/// How much is broken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// Workers that are killed.
    pub(super) kills: usize,
    /// How often each fault of a server comes, and how many gateways are killed.
    pub(super) rounds: usize,
}

/// What is done, each after a pause. Every server that is stopped is started before it is broken
/// in another way; whatever happens to the others falls before, between or after that.
pub(super) fn schedule(random: &mut SmallRng, size: Size) -> Vec<(Duration, Act)> {
    let broker: [&[Act]; 6] = [
        &[Act::StopBroker, Act::StartBroker],
        &[Act::KillBroker, Act::StartBroker],
        &[Act::ResetBroker],
        &[Act::DeleteQueues],
        &[Act::CloseBrokerConnections],
        &[Act::CutBrokerConnections],
    ];
    let database: [&[Act]; 3] = [
        &[Act::StopDatabase, Act::StartDatabase],
        &[Act::KillDatabase, Act::StartDatabase],
        &[Act::CutDatabaseConnections],
    ];
    let kills = (0..size.kills).map(|_| Act::KillWorker(random.random_range(0..WORKERS))).collect();
    let gateways =
        (0..size.rounds).map(|_| Act::KillGateway(random.random_range(0..GATEWAYS))).collect();
    let strands = vec![
        shuffled(random, &broker, size.rounds),
        shuffled(random, &database, size.rounds),
        gateways,
        kills,
    ];
    let acts = merged(random, strands);
    acts.into_iter().map(|act| (pause(random), act)).collect()
}

/// Every group so many times, in a random order, each in one piece.
fn shuffled(random: &mut SmallRng, groups: &[&[Act]], rounds: usize) -> Vec<Act> {
    let mut all: Vec<&[Act]> = (0..rounds).flat_map(|_| groups.iter().copied()).collect();
    all.shuffle(random);
    all.concat()
}

/// All of the strands in one, each in its own order.
fn merged(random: &mut SmallRng, mut strands: Vec<Vec<Act>>) -> Vec<Act> {
    strands.iter_mut().for_each(|strand| strand.reverse());
    let mut merged = Vec::new();
    loop {
        let left: usize = strands.iter().map(Vec::len).sum();
        if left == 0 {
            return merged;
        }
        let mut place = random.random_range(0..left);
        for strand in &mut strands {
            if place < strand.len() {
                merged.extend(strand.pop());
                break;
            }
            place -= strand.len();
        }
    }
}

fn pause(random: &mut SmallRng) -> Duration {
    Duration::from_millis(random.random_range(PAUSE_MS))
}

#[test]
fn a_seed_chooses_a_schedule_in_which_every_server_that_is_stopped_comes_back() {
    use rand::SeedableRng as _;
    let of = |seed| schedule(&mut SmallRng::seed_from_u64(seed), Size { kills: 10, rounds: 2 });
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
    let acts: Vec<Act> = of(7).into_iter().map(|(_, act)| act).collect();
    let kills = acts.iter().filter(|act| matches!(act, Act::KillWorker(_))).count();
    assert_eq!((kills, acts.len()), (10, 10 + 2 + 2 * (8 + 5)));
    let mut is_down = false;
    for act in acts {
        match act {
            Act::StopBroker | Act::KillBroker => is_down = true,
            Act::StartBroker => is_down = false,
            Act::ResetBroker
            | Act::DeleteQueues
            | Act::CloseBrokerConnections
            | Act::CutBrokerConnections => assert!(!is_down),
            Act::KillWorker(_)
            | Act::KillGateway(_)
            | Act::StopDatabase
            | Act::KillDatabase
            | Act::StartDatabase
            | Act::CutDatabaseConnections => {}
        }
    }
    assert!(!is_down);
}

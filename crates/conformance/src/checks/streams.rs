//! §1, §4: streams never lie. Whatever the transport and the cut, they are the log.

use futures_util::future::try_join_all;
use serde_json::Value;

use crate::check::{Check, check};
use crate::fault::{Checked, During as _, equal};
use crate::jobs::JobRef;
use crate::target::Target;
use crate::transport::{Reader, Transport};

pub(super) const CHECKS: &[Check] = &[
    check("streams/whole", "the transcript over every transport is the log", |target| {
        Box::pin(whole(target))
    }),
    check("streams/resume", "after every cut, over every transport, the rest follows", |target| {
        Box::pin(resume(target))
    }),
    check("streams/live", "followed while it runs, over all transports at once, too", |target| {
        Box::pin(live(target))
    }),
    check("streams/live-cuts", "cut after every event while it runs, it is the log", |target| {
        Box::pin(live_cuts(target))
    }),
    check("streams/hop", "cut at every point and read on elsewhere, it is the log", |target| {
        Box::pin(hop(target))
    }),
];

/// Streams of one check that are open at the same time.
const AT_ONCE: usize = 8;

/// A job with a log worth reading that has ended, and its log.
async fn ended(target: &Target) -> Checked<(JobRef, Vec<Value>)> {
    let job = target.submit_lively().await?;
    target.ended(&job).await?;
    let log = target.log(&job).await?;
    Ok((job, log))
}

async fn whole(target: &Target) -> Checked {
    let (job, log) = ended(target).await?;
    for transport in Transport::ALL {
        for _ in 0..target.servers() {
            let events = Reader::open(target, transport, &job, 0).await?.rest().await?;
            is_log(transport, &events, &log)?;
        }
    }
    Ok(())
}

async fn resume(target: &Target) -> Checked {
    let (job, log) = ended(target).await?;
    let cuts: Vec<(usize, Transport)> = (0..=log.len())
        .flat_map(|cut| Transport::ALL.into_iter().map(move |transport| (cut, transport)))
        .collect();
    for group in cuts.chunks(AT_ONCE) {
        let reads = group.iter().map(|&(cut, transport)| {
            let (job, log) = (&job, &log);
            async move {
                let place = format!("{} after {cut}", transport.as_str());
                let reader =
                    Reader::open(target, transport, job, cut as u64).await.during(&place)?;
                let events = reader.rest().await?;
                is_log(transport, &events, &log[cut..]).during(&place)
            }
        });
        try_join_all(reads).await?;
    }
    Ok(())
}

async fn live(target: &Target) -> Checked {
    let job = target.submit_lively().await?;
    let follow = async |transport| Reader::open(target, transport, &job, 0).await?.rest().await;
    let transcripts = try_join_all(Transport::ALL.into_iter().map(follow)).await?;
    let log = target.log(&job).await?;
    for (transport, events) in Transport::ALL.into_iter().zip(&transcripts) {
        is_log(transport, events, &log)?;
    }
    Ok(())
}

async fn live_cuts(target: &Target) -> Checked {
    let job = target.submit_lively().await?;
    let follow = async |transport: Transport| one_by_one(target, &job, |_| transport).await;
    let transcripts = try_join_all(Transport::ALL.into_iter().map(follow)).await?;
    let log = target.log(&job).await?;
    for (transport, events) in Transport::ALL.into_iter().zip(&transcripts) {
        is_log(transport, events, &log)?;
    }
    Ok(())
}

async fn hop(target: &Target) -> Checked {
    let job = target.submit_lively().await?;
    let all = Transport::ALL;
    // One reader while the job runs, and one for each transport to begin with afterwards.
    let live = one_by_one(target, &job, |cut| all[cut % all.len()]).await?;
    let log = target.log(&job).await?;
    equal("the transcript of a live job, a transport an event", &live, &log)?;
    let begin_with = async |first: usize| {
        let turn = |cut: usize| all[(first + cut) % all.len()];
        let events = one_by_one(target, &job, turn).await?;
        equal("the transcript, a transport an event", &events, &log)
    };
    try_join_all((0..all.len()).map(begin_with)).await.map(drop)
}

/// Reads a log with a new connection for each event, over the transport that `turn` names.
async fn one_by_one(
    target: &Target,
    job: &JobRef,
    turn: impl Fn(usize) -> Transport,
) -> Checked<Vec<Value>> {
    let mut events: Vec<Value> = Vec::new();
    loop {
        let transport = turn(events.len());
        let place = format!("{} after {}", transport.as_str(), events.len());
        let after = events.len() as u64;
        let mut reader = Reader::open(target, transport, job, after).await.during(&place)?;
        match reader.next().await.during(&place)? {
            Some(event) => events.push(event),
            None => return Ok(events),
        }
    }
}

fn is_log(transport: Transport, events: &[Value], log: &[Value]) -> Checked {
    let name = transport.as_str();
    if let Some((event, wanted)) = events.iter().zip(log).find(|(event, wanted)| event != wanted) {
        equal(format!("an event over {name}"), event, wanted)?;
    }
    equal(format!("the number of events over {name}"), events.len(), log.len())
}

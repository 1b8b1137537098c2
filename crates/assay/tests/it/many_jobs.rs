//! Many jobs on one socket, while they run.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::system::{Bus, start_where};
use crate::websocket;

/// Frames that a socket takes before the client comes back on another one.
const FRAMES: usize = 7;

#[tokio::test]
async fn many_jobs_are_seen_whole_over_any_number_of_sockets() {
    for bus in [Bus::Delivers, Bus::LosesEverything] {
        let (system, _dir) = start_where(bus).await;
        let mut paths = Vec::new();
        for number in 0..8 {
            paths.push(
                system.client.submit(&format!("script: output_bytes={}", 1 + number * 900)).await,
            );
        }
        let id_of = |path: &String| path.rsplit('/').next().unwrap().to_owned();
        let mut seen: BTreeMap<String, Vec<Value>> =
            paths.iter().map(|path| (id_of(path), Vec::new())).collect();
        while seen.values().any(|log| !has_ended(log)) {
            let mut socket = websocket::open(&system.client, "/v1/stream").await;
            for (id, log) in seen.iter().filter(|(_, log)| !has_ended(log)) {
                let frame = json!({"type": "subscribe", "job_id": id, "after": log.len()});
                socket.say(&frame).await;
            }
            let mut events = 0;
            while events < FRAMES && seen.values().any(|log| !has_ended(log)) {
                let frame = socket.next().await.unwrap();
                if let Some(id) = frame["subject"].as_str() {
                    seen.get_mut(id).unwrap().push(frame.clone());
                    events += 1;
                }
            }
        }
        for path in &paths {
            assert_eq!(seen[&id_of(path)], system.client.log(path).await);
        }
        system.stop().await;
    }
}

fn has_ended(log: &[Value]) -> bool {
    log.last().is_some_and(|event| event["type"] == "job.succeeded")
}

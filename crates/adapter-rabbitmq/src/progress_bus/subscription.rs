use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use engine::ports::{NewsItem, NewsStream};
use futures_util::{FutureExt as _, StreamExt as _};
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use telemetry::metrics::messages::{self, Destination};
use tokio::sync::mpsc;

use super::{Attachment, Request};
use crate::wire::NewsMessage;

/// One subscriber. Dropped, its consumer is cancelled, and the broker deletes its queue.
pub(super) struct Subscription {
    /// A consumer for each connection.
    attachments: mpsc::Receiver<Attachment>,
    requests: mpsc::Sender<Request>,
    attachment: Option<Attachment>,
    items: VecDeque<NewsItem>,
    /// Whether the next consumer goes on where the subscriber has heard everything.
    heard_all: bool,
}

impl Subscription {
    /// A subscriber. `heard_all` if it had its queue when it was made.
    pub(super) const fn new(
        attachments: mpsc::Receiver<Attachment>,
        requests: mpsc::Sender<Request>,
        heard_all: bool,
    ) -> Self {
        Self { attachments, requests, attachment: None, items: VecDeque::new(), heard_all }
    }

    fn attach(&mut self, attachment: Attachment) {
        self.attachment = Some(attachment);
        if !std::mem::take(&mut self.heard_all) {
            self.items.push_back(NewsItem::Lost);
        }
    }

    fn read(&mut self, delivery: &Delivery) {
        // The first poll hands the frame over. Unsettled, it would take up the prefetch; if the
        // connection is gone, so is the queue.
        let _ = delivery.acker.ack(BasicAckOptions::default()).now_or_never();
        match serde_json::from_slice::<NewsMessage>(&delivery.data) {
            Ok(message) => {
                messages::consumed(Destination::Progress, message.news.len());
                self.items.extend(message.lost.then_some(NewsItem::Lost));
                let news = message.news.into_iter();
                self.items.extend(news.map(|news| NewsItem::News(Arc::new(news))));
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a message on the exchange of news is no news"
                );
                self.items.push_back(NewsItem::Lost);
            }
        }
    }

    fn detach(&mut self) {
        if let Some(Attachment { session, .. }) = self.attachment.take() {
            // Among so many requests there is one of another subscriber whose consumer ended.
            let _ = self.requests.try_send(Request::Detached { session });
        }
    }
}

#[async_trait]
impl NewsStream for Subscription {
    async fn next(&mut self) -> Option<NewsItem> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Some(item);
            }
            let delivered = async {
                match &mut self.attachment {
                    Some(attachment) => attachment.consumer.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                attachment = self.attachments.recv() => self.attach(attachment?),
                delivered = delivered => match delivered {
                    Some(Ok(delivery)) => self.read(&delivery),
                    Some(Err(_)) | None => self.detach(),
                },
            }
        }
    }
}

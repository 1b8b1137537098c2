use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

/// How much a process may still write.
#[derive(Debug, Clone, Default)]
pub(super) struct Allowance {
    left: Arc<AtomicUsize>,
    is_used_up: Arc<AtomicBool>,
}

impl Allowance {
    /// From now on so many bytes.
    pub(super) fn renew(&self, bytes: usize) {
        self.left.store(bytes, Ordering::Relaxed);
    }

    /// Whether more was written than was allowed.
    pub(super) fn is_used_up(&self) -> bool {
        self.is_used_up.load(Ordering::Relaxed)
    }
}

/// A reader that comes to its end where its allowance does, so that neither an endless line nor an
/// endless number of them takes memory or time.
pub(super) struct Limited<R> {
    inner: R,
    allowance: Allowance,
}

impl<R> Limited<R> {
    pub(super) fn new(inner: R, allowance: Allowance) -> Self {
        Self { inner, allowance }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Limited<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.allowance.is_used_up() {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buffer);
        let count = buffer.filled().len() - before;
        let Allowance { left, is_used_up } = &self.allowance;
        let allowed = left.load(Ordering::Relaxed);
        if count > allowed {
            is_used_up.store(true, Ordering::Relaxed);
            buffer.set_filled(before);
        }
        left.store(allowed.saturating_sub(count), Ordering::Relaxed);
        read
    }
}

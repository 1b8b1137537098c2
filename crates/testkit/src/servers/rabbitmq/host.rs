use std::sync::Arc;

use uuid::Uuid;

use super::Turn;
use super::node::Node;

/// A virtual host for one test.
pub struct VirtualHost {
    url: String,
    name: String,
    node: Option<Arc<Node>>,
    _turn: Arc<Turn>,
}

impl VirtualHost {
    /// Where clients connect to, with a user that may do anything here and nothing elsewhere.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many messages a quorum queue holds, unacknowledged ones included; `None` if there is no
    /// such queue, or the broker is not a private one.
    pub async fn depth(&self, queue: &str) -> Option<u64> {
        // What `rabbitmqctl list_queues` shows is some seconds old.
        let expression = format!(
            "case rabbit_amqqueue:lookup({}) of {{ok, Q}} -> {{ok, {{_, N}}, _}} = \
             ra:local_query(amqqueue:get_pid(Q), fun rabbit_fifo:query_messages_total/1), N; \
             _ -> none end",
            self.queue(queue)
        );
        self.node.as_ref()?.eval(expression).await.ok()?.parse().ok()
    }

    /// How many consumers a queue has; `None` as for [`VirtualHost::depth`].
    pub async fn consumers(&self, queue: &str) -> Option<u64> {
        let expression = format!(
            "case rabbit_amqqueue:lookup({}) of {{ok, Q}} -> \
             length(rabbit_amqqueue:consumers(Q)); _ -> none end",
            self.queue(queue)
        );
        self.node.as_ref()?.eval(expression).await.ok()?.parse().ok()
    }

    /// Deletes a queue with what it holds.
    ///
    /// # Panics
    /// If there is no such queue, or the broker is not a private one.
    pub async fn delete_queue(&self, queue: &str) {
        let expression = format!(
            "{{ok, Q}} = rabbit_amqqueue:lookup({}), \
             {{ok, _}} = rabbit_amqqueue:delete(Q, false, false, <<\"testkit\">>), ok",
            self.queue(queue)
        );
        self.private().must(expression).await;
    }

    /// Ends the process of a quorum queue, and leaves the queue's name. Nothing starts it again.
    ///
    /// # Panics
    /// If there is no such queue, or the broker is not a private one.
    pub async fn end_queue_process(&self, queue: &str) {
        let expression = format!(
            "{{ok, Q}} = rabbit_amqqueue:lookup({}), \
             ok = ra:stop_server(quorum_queues, amqqueue:get_pid(Q))",
            self.queue(queue)
        );
        self.private().must(expression).await;
    }

    /// Deletes an exchange, and with it every binding to it. False if there is none.
    ///
    /// # Panics
    /// If the broker is not a private one.
    pub async fn delete_exchange(&self, exchange: &str) -> bool {
        let expression = format!(
            "case rabbit_exchange:delete(rabbit_misc:r(<<\"{}\">>, exchange, <<\"{exchange}\">>), \
             false, <<\"testkit\">>) of {{error, not_found}} -> false; _ -> true end",
            self.name
        );
        self.private().must(expression).await == "true"
    }

    /// Deletes every queue with what it holds; one that goes by itself meanwhile, or that somebody
    /// else deletes, is passed over.
    ///
    /// # Panics
    /// If the broker is not a private one.
    pub async fn delete_queues(&self) {
        let expression = format!(
            "[try rabbit_amqqueue:delete(Q, false, false, <<\"testkit\">>) catch exit:_ -> gone end || \
             Q <- rabbit_amqqueue:list(<<\"{}\">>)], ok",
            self.name
        );
        self.private().must(expression).await;
    }

    /// Puts a message with a header into a queue, as another release might.
    ///
    /// # Panics
    /// If the broker is not a private one.
    pub async fn send(&self, queue: &str, payload: &str, header: (&str, &str)) {
        let (name, value) = header;
        let bytes: Vec<String> = payload.bytes().map(|byte| byte.to_string()).collect();
        let expression = format!(
            "ok = rabbit_basic:publish(rabbit_misc:r(<<\"{}\">>, exchange, <<>>), \
             <<\"{queue}\">>, [{{delivery_mode, 2}}, {{headers, [{{<<\"{name}\">>, longstr, \
             <<\"{value}\">>}}]}}], <<{}>>), ok",
            self.name,
            bytes.join(",")
        );
        self.private().must(expression).await;
    }

    /// The names of the queues.
    ///
    /// # Panics
    /// If the broker is not a private one.
    pub async fn queues(&self) -> Vec<String> {
        let expression = format!(
            "lists:flatten([io_lib:format(\"~s \", [element(4, Name)]) || \
             Name <- rabbit_amqqueue:list_names(<<\"{}\">>)])",
            self.name
        );
        let names = self.private().must(expression).await;
        // An empty text is an empty list.
        names.trim_matches(['"', '[', ']']).split_whitespace().map(str::to_owned).collect()
    }

    /// How many clients are connected.
    ///
    /// # Panics
    /// If the broker is not a private one.
    pub async fn connections(&self) -> usize {
        let expression = format!("length({})", self.connection_pids());
        self.private().must(expression).await.parse().expect("a number")
    }

    /// Closes every connection the way an operator does: with a reason.
    ///
    /// # Panics
    /// If the broker is not a private one.
    pub async fn close_connections(&self) {
        let pids = self.connection_pids();
        // One that ends by itself meanwhile is closed as well.
        let expression = format!(
            "[try rabbit_networking:close_connection(P, \"by a test\") catch exit:_ -> gone end || \
             P <- {pids}], ok"
        );
        self.private().must(expression).await;
    }

    /// Cuts every connection: the client sees the socket end without a word.
    ///
    /// # Panics
    /// If the broker is not a private one.
    pub async fn cut_connections(&self) {
        let pids = self.connection_pids();
        self.private().must(format!("[exit(P, kill) || P <- {pids}], ok")).await;
    }

    /// Makes the virtual host and its user again, after the broker has forgotten everything.
    ///
    /// # Panics
    /// If the broker is not a private one, or does not answer.
    pub async fn make_again(&self) {
        self.private().make_virtual_host(&self.name).await;
    }

    /// A virtual host of its own on a private node.
    pub(super) async fn on(node: &Arc<Node>, turn: Arc<Turn>) -> Self {
        node.mend().await;
        let name = format!("test-{}", Uuid::now_v7().simple());
        node.make_virtual_host(&name).await;
        Self { url: node.url(&name), name, node: Some(Arc::clone(node)), _turn: turn }
    }

    /// The virtual host of a URL, on a broker that is not a private one.
    pub(super) const fn at(url: String, turn: Arc<Turn>) -> Self {
        Self { url, name: String::new(), node: None, _turn: turn }
    }

    fn private(&self) -> &Node {
        self.node.as_deref().expect("the broker is a private node")
    }

    fn queue(&self, queue: &str) -> String {
        format!("rabbit_misc:r(<<\"{}\">>, queue, <<\"{queue}\">>)", self.name)
    }

    /// The processes that read from the clients of this virtual host. The table of connections
    /// lags behind, so each is asked itself.
    fn connection_pids(&self) -> String {
        format!(
            "[P || P <- rabbit_networking:connections_local(), \
             (catch rabbit_reader:info(P, [vhost])) =:= [{{vhost, <<\"{}\">>}}]]",
            self.name
        )
    }
}

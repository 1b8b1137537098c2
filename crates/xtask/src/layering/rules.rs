//! The rules, as tables. Crates that are still to come have their rows already.

/// What a crate may use of the workspace.
pub(super) struct Layer {
    pub(super) member: &'static str,
    pub(super) may_use: &'static [&'static str],
    pub(super) why: &'static str,
}

const fn layer(member: &'static str, may_use: &'static [&'static str], why: &'static str) -> Layer {
    Layer { member, may_use, why }
}

const CONTRACTS: &[&str] = &["contracts"];
const CORE: &[&str] = &["contracts", "engine", "telemetry"];
const ADAPTER: &str = "an adapter keeps the promises of ports and knows no other adapter, so that \
                       each can be replaced alone";
const EDGE: &str = "the gateway and the worker know ports alone, and not each other, so that both \
                    run over any adapters, in one process or in many";

/// The direction: contracts, engine, adapters, gateway and worker, binary.
pub(super) const LAYERS: &[Layer] = &[
    layer("contracts", &[], "everything may use the wire types, so they use nothing"),
    layer(
        "engine",
        &["contracts", "telemetry"],
        "what a job is does not depend on where it is stored or asked for",
    ),
    layer("adapter-embedded", CORE, ADAPTER),
    layer("adapter-models", CORE, ADAPTER),
    layer("adapter-postgres", CORE, ADAPTER),
    layer("adapter-rabbitmq", CORE, ADAPTER),
    layer("adapter-retrieval", CORE, ADAPTER),
    layer("adapter-tools", CORE, ADAPTER),
    layer(
        "telemetry",
        CONTRACTS,
        "it says what happened and has no part in it: everybody uses its words",
    ),
    layer("api", CORE, EDGE),
    layer("worker", CORE, EDGE),
    layer(
        "conformance",
        CONTRACTS,
        "it proves a server's promises from outside, so it knows the wire and nothing else",
    ),
    layer(
        "testkit",
        &["contracts", "engine"],
        "its suites hold any adapter to a port, so they are written against ports",
    ),
    layer(
        "assay",
        &[
            "adapter-embedded",
            "adapter-models",
            "adapter-postgres",
            "adapter-rabbitmq",
            "adapter-retrieval",
            "adapter-tools",
            "api",
            "conformance",
            "contracts",
            "engine",
            "telemetry",
            "worker",
        ],
        "the binary puts everything together; test code is no part of it",
    ),
    layer(
        "evaluation",
        &["assay", "contracts", "engine"],
        "it measures what the binary composes, and nothing uses it",
    ),
    layer(
        "load",
        &["testkit"],
        "it asks the program over HTTP, as any client does, so it knows nothing of its inside",
    ),
    layer("xtask", &[], "it must build and run while the rest does not"),
];

/// What `contracts` may use from outside.
pub(super) const CONTRACTS_OUTSIDE: &[&str] =
    &["jiff", "schemars", "serde", "serde_json", "thiserror", "uuid"];

/// The crates that alone may use a dependency from outside.
pub(super) struct Owner {
    pub(super) outside: &'static str,
    pub(super) members: &'static [&'static str],
    pub(super) why: &'static str,
}

const fn owner(
    outside: &'static str,
    members: &'static [&'static str],
    why: &'static str,
) -> Owner {
    Owner { outside, members, why }
}

const BACKOFF: &str = "it is not maintained, so one file uses it and can be rewritten";
const SQL: &str = "SQL stays behind the stores' ports";
const READING: &str = "what reads hostile bytes stays in the crate that contains it";
const TOOLS: &str = "tools stay behind the toolbox's port";
const SHOWN: &str = "what is measured has words of our own, so that no label is made up on the way";
const HTTP: &str = "the web framework stays at the edge";

pub(super) const OWNERS: &[Owner] = &[
    owner("actix-web", &["api"], HTTP),
    owner("actix-ws", &["api"], HTTP),
    owner("backoff", &["engine"], BACKOFF),
    owner("deadpool-postgres", &["adapter-postgres"], SQL),
    owner("hayro-font", &["adapter-retrieval"], READING),
    owner("html5gum", &["adapter-retrieval"], READING),
    owner(
        "lapin",
        &["adapter-rabbitmq"],
        "the broker stays behind the queue's and the bus's ports",
    ),
    owner("jsonschema", &["adapter-tools"], TOOLS),
    owner("opentelemetry", &["telemetry"], SHOWN),
    owner("opentelemetry-otlp", &["telemetry"], SHOWN),
    owner("opentelemetry-prometheus", &["telemetry"], SHOWN),
    owner("opentelemetry_sdk", &["telemetry"], SHOWN),
    owner("prometheus", &["telemetry"], SHOWN),
    owner("refinery", &["adapter-embedded", "adapter-postgres"], SQL),
    owner("rmcp", &["adapter-tools"], TOOLS),
    owner("rusqlite", &["adapter-embedded"], SQL),
    owner("rust_decimal", &["adapter-tools"], TOOLS),
    owner("tantivy", &["adapter-retrieval"], "the index stays behind the retriever's port"),
    owner("tokio-postgres", &["adapter-postgres"], SQL),
    owner("tracing-opentelemetry", &["telemetry"], SHOWN),
];

/// What must not be in the tree at all.
pub(super) struct Ban {
    pub(super) outside: &'static str,
    /// The versions meant: those that begin like this.
    pub(super) version_prefix: &'static str,
    pub(super) why: &'static str,
}

const ONE_TLS: &str = "TLS has one provider, aws-lc-rs: with two, rustls cannot choose and panics";

pub(super) const BANNED: &[Ban] = &[
    Ban {
        outside: "h2",
        version_prefix: "0.3.",
        why: "an old HTTP/2, that only actix-web's default features bring in",
    },
    Ban { outside: "ring", version_prefix: "", why: ONE_TLS },
    Ban { outside: "openssl", version_prefix: "", why: ONE_TLS },
    Ban { outside: "openssl-sys", version_prefix: "", why: ONE_TLS },
];

/// What may be in the tree in one version only.
pub(super) struct Single {
    pub(super) outside: &'static str,
    pub(super) why: &'static str,
}

pub(super) const SINGLE: &[Single] = &[
    Single { outside: "rusqlite", why: "each would link an SQLite of its own" },
    Single { outside: "libsqlite3-sys", why: "each would link an SQLite of its own" },
];

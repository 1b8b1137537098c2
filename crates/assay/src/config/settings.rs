//! What can be configured: one table for the file, the environment, `assay config` and the docs.

/// What of a setting's value is shown to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// Nothing.
    None,
    /// The password in an address.
    Password,
    /// All of it.
    Whole,
}

/// One thing that can be configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its name in a configuration file.
    pub key: &'static str,
    /// Its environment variable.
    pub variable: &'static str,
    /// Its value where it is not set; `None` if it has none, or depends on the machine.
    pub default: Option<&'static str>,
    /// What it does.
    pub about: &'static str,
    /// What of its value is shown to nobody.
    pub secrecy: Secrecy,
}

const fn setting(
    key: &'static str,
    variable: &'static str,
    default: Option<&'static str>,
    about: &'static str,
) -> Setting {
    Setting { key, variable, default, about, secrecy: Secrecy::None }
}

/// A setting without a default of which something is shown to nobody.
const fn secret(
    key: &'static str,
    variable: &'static str,
    secrecy: Secrecy,
    about: &'static str,
) -> Setting {
    Setting { key, variable, default: None, about, secrecy }
}

macro_rules! settings {
    ($($name:ident = $setting:expr;)*) => {
        $(pub(super) const $name: Setting = $setting;)*

        /// Everything that can be configured, in the order in which it is shown.
        pub const SETTINGS: &[Setting] = &[$($name),*];
    };
}

settings! {
    DATA_DIR = setting(
        "data_dir", "ASSAY_DATA_DIR", None,
        "Where jobs, documents and the index are kept; a worker of a fleet keeps its index there. \
         By default $XDG_DATA_HOME/assay, else ~/.local/share/assay.",
    );
    DATABASE_URL = secret(
        "database_url", "ASSAY_DATABASE_URL", Secrecy::Password,
        "The PostgreSQL of a fleet: postgres://USER:PASSWORD@HOST/DATABASE?sslmode=require.",
    );
    AMQP_URL = secret(
        "amqp_url", "ASSAY_AMQP_URL", Secrecy::Password,
        "The RabbitMQ of a fleet: amqp:// or amqps://USER:PASSWORD@HOST/VHOST. Without it \
         workers look for work in the database.",
    );
    LISTEN = setting(
        "listen", "ASSAY_LISTEN", Some("127.0.0.1:8080"),
        "The address that a gateway serves clients on.",
    );
    ANONYMOUS = setting(
        "anonymous", "ASSAY_ANONYMOUS", Some("loopback"),
        "Who may use a gateway without a key: loopback (this machine), or anywhere (whoever \
         reaches it: behind something that checks, or in a closed network).",
    );
    ADMIN_LISTEN = setting(
        "admin_listen", "ASSAY_ADMIN_LISTEN", None,
        "The address of the health checks and the metrics of a gateway or worker.",
    );
    SERVER = setting(
        "server", "ASSAY_SERVER", None,
        "The server whose jobs submit, get, list, watch, cancel and retry are about, such as \
         https://assay.example.org. By default the fleet of database_url, else the data directory, \
         through the process that serves it, if one does.",
    );
    API_KEY = secret(
        "api_key", "ASSAY_API_KEY", Secrecy::Whole,
        "The key that these commands show to the server.",
    );
    MODEL = setting(
        "model", "ASSAY_MODEL", Some("extractive"),
        "What answers where a request names no model: extractive; the name of a table \
         [models.NAME] in the file; openai (and whatever speaks like it) or anthropic, as the next \
         three settings describe it; or scripted (stand-ins for load and fault tests).",
    );
    MODEL_NAME = setting(
        "model_name", "ASSAY_MODEL_NAME", None,
        "What the provider calls the model.",
    );
    MODEL_BASE_URL = setting(
        "model_base_url", "ASSAY_MODEL_BASE_URL", None,
        "Where the provider is, such as http://127.0.0.1:11434/v1. By default OpenAI's or \
         Anthropic's own address, with the key in OPENAI_API_KEY or ANTHROPIC_API_KEY.",
    );
    MODEL_API_KEY_FILE = setting(
        "model_api_key_file", "ASSAY_MODEL_API_KEY_FILE", None,
        "The file with the key for the provider.",
    );
    SLOTS = setting(
        "slots", "ASSAY_SLOTS", Some("8"),
        "Jobs that a worker runs at the same time: 1 to 1000.",
    );
    READERS = setting(
        "readers", "ASSAY_READERS", Some("2"),
        "Documents that a worker reads at the same time: 1 to 64.",
    );
    DRAIN_GRACE_S = setting(
        "drain_grace_s", "ASSAY_DRAIN_GRACE_S", Some("5"),
        "Seconds that running jobs get to finish when a process is told to stop: 0 to 3600.",
    );
    DATABASE_CONNECTIONS = setting(
        "database_connections", "ASSAY_DATABASE_CONNECTIONS", Some("10"),
        "Connections of one process to the database: 2 to 1000. Batches of writes have 4 more, and a \
         worker's heartbeat one.",
    );
    LOG = setting(
        "log", "ASSAY_LOG", None,
        "What to log: a filter such as info,engine=debug. By default error for commands that end \
         by themselves, info for servers.",
    );
    TELEMETRY_OFF = setting(
        "telemetry_off", "OTEL_SDK_DISABLED", Some("false"),
        "Whether servers neither trace nor measure: true or false. /metrics is absent then; the log \
         goes on.",
    );
    OTLP_ENDPOINT = setting(
        "otlp_endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", None,
        "The OpenTelemetry collector that servers send traces and metrics to, such as \
         http://127.0.0.1:4318, or http://127.0.0.1:4317 for gRPC. Without it nothing is sent.",
    );
    OTLP_PROTOCOL = setting(
        "otlp_protocol", "OTEL_EXPORTER_OTLP_PROTOCOL", Some("http/protobuf"),
        "How the collector is spoken to: grpc or http/protobuf.",
    );
    OTLP_HEADERS = secret(
        "otlp_headers", "OTEL_EXPORTER_OTLP_HEADERS", Secrecy::Whole,
        "What the collector is sent along with everything: name=value,name=value.",
    );
    TRACE_RATIO = setting(
        "trace_ratio", "ASSAY_TRACE_RATIO", Some("0.1"),
        "How many of the traces that begin here are sent: 0 to 1. Where a caller's traceparent says \
         whether its trace is, that counts.",
    );
    RESOURCE_ATTRIBUTES = setting(
        "resource_attributes", "OTEL_RESOURCE_ATTRIBUTES", None,
        "What telemetry says of this process: name=value,name=value, such as \
         deployment.environment.name=prod.",
    );
    SCRIPTED_LATENCY_MS = setting(
        "scripted_latency_ms", "ASSAY_SCRIPTED_LATENCY_MS", Some("0"),
        "Milliseconds that each call of the scripted model takes.",
    );
    SCRIPTED_LEDGER = setting(
        "scripted_ledger", "ASSAY_SCRIPTED_LEDGER", None,
        "The file in which each call of the scripted model leaves a line.",
    );
}

/// The setting with this name in a configuration file.
pub(crate) fn by_key(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

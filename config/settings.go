package config

import "time"

// The ranges of what can be set. The lower ends are what works at all, the
// upper ends what a host can bear or the kernel takes.
const (
	minReceiveBuffer = 64 * KiB // several of the largest audit records
	maxReceiveBuffer = 1 * GiB  // the kernel silently takes no more
	minBacklogLimit  = 64       // the kernel's own default
	maxBacklogLimit  = 1 << 20
	maxHashLimit     = 16 * GiB // the time that is allowed ends it long before
	maxPending       = 1 << 24
	maxKeyLength     = 31
	maxTolerance     = Duration(time.Minute)
)

// sections describes every setting, in the order of sensor.toml.
func sections() []section {
	all := []section{
		{name: "rules", settings: rulesSettings()},
		{name: "kernel", settings: kernelSettings()},
		{name: "detect", settings: detectSettings()},
	}
	all = append(all, outputSections()...)
	return append(all,
		section{name: "evidence", settings: evidenceSettings()},
		section{
			name: "health",
			about: "What the sensor mends when somebody takes its sight away. It says so in a health alert in any case, and tries " +
				"at most five times, each later than the last, then not for half an hour. [docs/health.md](health.md) lists what it notices.",
			settings: healthSettings(),
		},
		section{name: "control", settings: controlSettings()},
		section{name: "metrics", settings: metricsSettings()},
		section{name: "log", settings: logSettings()},
		section{
			name: "exceptions", list: true,
			about: "Exceptions exempt events from rules: an event for which the condition is true does not count for the rule. " +
				"What was exempted is counted. `tripline alerts suppress ID` proposes an exception for an alert. Exceptions are read " +
				"again on a reload.",
			settings: exceptionSettings(),
		},
	)
}

func rulesSettings() []setting {
	return []setting{{
		key: "folder", limit: path(),
		about: "The folder with the rule files, `*.toml`, in the schema of Elastic's detection rules, with the folders in it. " +
			"Empty means the rules that are built into the program; the packages name `/etc/tripline/rules`. It is read again " +
			"on a reload. " +
			"[docs/rules-and-eql.md](rules-and-eql.md) says what rules can say.",
	}}
}

func kernelSettings() []setting {
	return []setting{{
		key: "source", limit: sources(),
		about: "How the kernel's audit records reach the sensor.",
	}, {
		key: "log", limit: logPath(),
		about: "The audit daemon's log, `log_file` in `/etc/audit/auditd.conf`, for `\"log\"` and `\"auto\"`.",
	}, {
		key: "audisp_socket", limit: path(),
		about: "For `\"audisp\"`: the socket of the dispatcher's plugin builtin_af_unix, such as `\"/var/run/audispd_events\"`. " +
			"Empty means standard input: the audit daemon starts the sensor as its plugin.",
	}, {
		key: "receive_buffer", limit: within(minReceiveBuffer, maxReceiveBuffer),
		about: "The size of the socket's receive buffer. It takes up bursts: at 16MiB some ten thousand system calls that come " +
			"at once. The kernel uses the memory only while records wait in it. Where `backlog_limit` needs more, it is made larger.",
	}, {
		key:   "backlog_limit",
		limit: between(minBacklogLimit, maxBacklogLimit, "").orZero("0 leaves the kernel's own setting as it is"),
		about: "How many records the kernel itself queues before it loses records and counts them as lost. 0 leaves the kernel's " +
			"setting as it is. The setting that was found is put back when the sensor ends.",
	}, {
		key: "key", limit: rule{"1 to 31 letters, digits, _ and -", auditKey},
		about: "The key that marks the sensor's own audit rules in the kernel (`auditctl -l` shows it). Rules with another key " +
			"are never touched, so change it only where rules of your own have this one.",
	}}
}

func sources() choices {
	return choices{
		{string(SourceAuto), "\"unicast\" where no audit daemon (auditd) runs. Beside one \"multicast\" where the kernel delivers, which is tried; else \"log\", where the daemon's log can be read"},
		{string(SourceUnicast), "the sensor takes the audit daemon's place; it refuses to start where another process holds it"},
		{string(SourceMulticast), "beside an audit daemon; needs Linux 3.16 or newer"},
		{string(SourceAudisp), "from the audit daemon's dispatcher, on any kernel; usually the daemon starts the sensor so, as its plugin"},
		{string(SourceLog), "from the log that the audit daemon writes, on any kernel; events arrive some tenths of a second late"},
	}
}

func detectSettings() []setting {
	const bound = " This bounds the sensor's memory, some 2.5 KiB each: what exceeds it evicts the oldest, which is counted and " +
		"reported. With more than the default raise the service's memory limits too. A replay may always have 65536."
	return []setting{{
		key: "max_pending_per_rule", limit: between(1, maxPending, ""),
		about: "How many unfinished sequences one rule may wait on." + bound,
	}, {
		key: "max_pending_total", limit: between(1, maxPending, ""),
		about: "How many unfinished sequences all rules together may wait on; not less than `max_pending_per_rule`. Beyond it the rule that has most gives up its oldest, so that none pushes " +
			"out the others. A replay may always have 262144.",
	}, {
		key: "tolerance", limit: lasting(0, maxTolerance, "every alert comes later by as much"),
		about: "How late an event may arrive and still be put in its place by its time. A connect that blocks, for instance, is " +
			"recorded when it returns but has the time of its beginning. Every event waits for as long, and so does every alert. " +
			"Events that come later still are matched as they come, and counted.",
	}}
}

func evidenceSettings() []setting {
	return []setting{{
		key: "enabled",
		about: "Gather, within 200 ms of an alert, what an analyst would look for: the process tree, the executable with its hash " +
			"and package, sockets, sessions, the container. It follows the alert as a document of its own with the alert's id, " +
			"see [docs/alerts.md](alerts.md#the-evidence).",
	}, {
		key: "hash_limit", limit: within(0, maxHashLimit),
		about: "The size of the largest executable that is hashed. What does not fit into the 200 ms is not hashed either.",
	}, {
		key: "connections", limit: path(),
		about: "The file in which is kept which executables of this host connected, and since when. Empty keeps it in memory " +
			"until the sensor ends.",
	}}
}

func healthSettings() []setting {
	return []setting{{
		key:   "reinstall",
		about: "Add the sensor's kernel rules again when they were deleted (`auditctl -D`, a reload of `/etc/audit/rules.d`).",
	}, {
		key: "reenable",
		about: "Switch auditing on again when it was switched off (`auditctl -e 0`). That is seldom an accident, so it is left " +
			"to you.",
	}}
}

func logSettings() []setting {
	return []setting{{
		key: "level", limit: words(string(LevelError), string(LevelWarn), string(LevelInfo), string(LevelDebug)),
		about: "What the sensor reports about itself, on standard error: the least severe level that is shown.",
	}}
}

func exceptionSettings() []setting {
	return []setting{{
		key: "rule", limit: filled("names no rule", `write rule = "the rule_id", or "*" for every rule`),
		about:   "The `rule_id` of a rule, or `\"*\"` for every rule.",
		example: `"eb6a3790-d52d-11ec-8ce9-f661ea17fbce"    # a rule_id, or "*" for every rule`,
	}, {
		key: "condition", limit: filled("has no condition", `write condition = 'process.executable == "/path"'`),
		about: "An EQL condition, as it would follow `where` in a rule. See the fields of [docs/events.md](events.md#fields), " +
			"and whom they can be forged by.",
		example: `'process.executable == "/opt/agent/bin/agent"'`,
	}, {
		key: "comment", limit: filled("has no comment", "say why the exception is there, and who decided it"),
		about:   "Why the exception is there, and who decided it.",
		example: `"the backup agent connects and detaches; operations, 2026-11"`,
	}, {
		key:     "until",
		about:   "The last day (UTC) on which the exception holds. Without it there is no end.",
		example: `"2027-11-30"`,
	}}
}

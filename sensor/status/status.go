package status

import "time"

// The states of a sensor.
const (
	// OK is a sensor that sees everything that it should.
	OK = "ok"
	// Warning is one with problems of the level warning.
	Warning = "warning"
	// Failing is one that does not see, or does not deliver, everything.
	Failing = "failing"
)

// Status is what a running sensor says of itself. Counters are of its run.
type Status struct {
	Time    time.Time `json:"time" doc:"when this was put together"`
	State   string    `json:"state" doc:"\"ok\"; \"warning\" where problems of that level hold; \"failing\" where one of the level error holds or the pipeline does not answer"`
	Failing bool      `json:"-" doc:"1 where the sensor does not see or does not deliver everything" metric:"failing"`
	Version string    `json:"version" doc:"version of the sensor" metric:"build_info"`
	PID     int       `json:"pid" doc:"the sensor's process"`
	Started time.Time `json:"started" doc:"when the sensor began to watch" metric:"start_time_seconds"`
	Uptime  float64   `json:"uptime_seconds" doc:"for how long it has watched"`

	Source     Source     `json:"source" doc:"how records arrive"`
	Kernel     *Kernel    `json:"kernel,omitempty" doc:"the kernel's audit status"`
	Records    Records    `json:"records" doc:"records on their way from the kernel"`
	Events     Events     `json:"events" doc:"events that records were joined into"`
	Identities Identities `json:"identities" doc:"how the processes of events were identified"`
	Pipeline   Pipeline   `json:"pipeline" doc:"the goroutine on which records become alerts"`
	Engine     Engine     `json:"engine" doc:"the rule engine, in all"`
	Rules      []Rule     `json:"rules" doc:"the running rules"`
	Alerts     Alerts     `json:"alerts" doc:"what became of matches"`
	Evidence   *Evidence  `json:"evidence,omitempty" doc:"gathering of evidence, where it is on"`
	Outputs    []Output   `json:"outputs" doc:"where alerts and events go"`
	Health     []Problem  `json:"health" doc:"problems that hold now, the oldest first; see health.md"`
	Untold     uint64     `json:"health_untold" doc:"problems that were not told because too many others hold" metric:"health_untold_total"`
	Process    Process    `json:"process" doc:"what the sensor uses"`

	KernelRules []string   `json:"kernel_rules" doc:"the sensor's kernel audit rules, as auditctl writes them"`
	BlindSpots  []string   `json:"blind_spots" doc:"what this kernel does not report of what rules ask for"`
	Features    []Feature  `json:"kernel_features" doc:"what this kernel's audit can do"`
	Reload      *Reload    `json:"reload,omitempty" doc:"the last reading of the rules while the sensor ran"`
	Reloads     Reloads    `json:"reloads" doc:"how often rules were read again"`
	Textfile    *Textfile  `json:"textfile,omitempty" doc:"the file for node_exporter, where there is one"`
	ByKind      []KindSum  `json:"-" doc:"problems that hold now, by their kind"`
	Control     Connection `json:"control" doc:"the control socket"`
}

// Source is how records arrive.
type Source struct {
	Mode   string    `json:"mode" doc:"\"unicast\", \"multicast\", \"audisp\" or \"log\", as in sensor.toml" metric:"source_info"`
	Beside string    `json:"beside,omitempty" doc:"the process that receives by unicast beside the sensor"`
	Since  time.Time `json:"since" doc:"since when they arrive so"`
}

// Kernel is the kernel's audit status.
type Kernel struct {
	ReadAt          time.Time `json:"read_at" doc:"when the kernel's audit status was read" metric:"kernel_read_time_seconds"`
	Enabled         uint32    `json:"enabled" doc:"whether the kernel audits: 0 off, 1 on, 2 on and locked until the next boot" metric:"kernel_enabled"`
	Failure         uint32    `json:"failure" doc:"what the kernel does when it loses a record: 0 nothing, 1 a line in its log, 2 panic" metric:"kernel_failure_mode"`
	PID             uint32    `json:"pid" doc:"process that receives by unicast, 0 for none"`
	RateLimit       uint32    `json:"rate_limit" doc:"records a second that the kernel lets through, 0 for no limit" metric:"kernel_rate_limit"`
	BacklogLimit    uint32    `json:"backlog_limit" doc:"records that may wait in the kernel" metric:"kernel_backlog_limit_records"`
	Backlog         uint32    `json:"backlog" doc:"records that waited in the kernel" metric:"kernel_backlog_records"`
	BacklogWaitTime *uint32   `json:"backlog_wait_time,omitempty" doc:"jiffies that an audited process waits for room; left out where the kernel does not tell" metric:"kernel_backlog_wait_time_jiffies"`
	Lost            uint32    `json:"lost" doc:"records that the kernel lost since it booted" metric:"kernel_lost_records_total"`
	LostSinceStart  uint32    `json:"lost_since_start" doc:"of them, those since the sensor began"`
	Rules           int       `json:"rules" doc:"kernel audit rules that the sensor uses" metric:"kernel_rules"`
}

// Records are records on their way from the kernel.
type Records struct {
	Received   uint64 `json:"received" doc:"records received" metric:"records_received_total"`
	Bytes      uint64 `json:"bytes" doc:"bytes of the records received, without headers" metric:"received_bytes_total"`
	Parsed     uint64 `json:"parsed" doc:"records that were read and joined into events" metric:"records_parsed_total"`
	Unreadable uint64 `json:"unreadable" doc:"records that could not be read" metric:"records_unreadable_total"`
	Truncated  uint64 `json:"truncated" doc:"records longer than any that the kernel makes" metric:"records_truncated_total"`
	Overruns   uint64 `json:"overruns" doc:"how often the receive buffer was full; how many records were lost each time is not known" metric:"receive_overruns_total"`
	Gaps       uint64 `json:"gaps" doc:"numbers of events that never arrived" metric:"event_numbers_missing_total"`
	Late       uint64 `json:"late" doc:"records dropped because their event was over" metric:"records_late_total"`
	Duplicate  uint64 `json:"duplicate" doc:"records dropped because their event had them" metric:"records_duplicate_total"`
	Oversized  uint64 `json:"oversized" doc:"records dropped or cut because their event was too large" metric:"records_oversized_total"`
	Foreign    uint64 `json:"foreign" doc:"messages dropped because they were not the kernel's" metric:"messages_foreign_total"`
	Failures   uint64 `json:"failures" doc:"receive calls that failed for a reason that passes" metric:"receive_failures_total"`
}

// Events are what records were joined into.
type Events struct {
	Joined           uint64 `json:"joined" doc:"events" metric:"events_total"`
	Incomplete       uint64 `json:"incomplete" doc:"events that lack a record" metric:"events_incomplete_total"`
	Evicted          uint64 `json:"evicted" doc:"events given up before all their records were there" metric:"events_evicted_total"`
	UnreadableFields uint64 `json:"unreadable_fields" doc:"fields whose value does not have its form" metric:"fields_unreadable_total"`
}

// Identities say how processes were identified.
type Identities struct {
	Verified uint64 `json:"verified" doc:"answers about processes that the kernel showed" metric:"identities_verified_total"`
	Inferred uint64 `json:"inferred" doc:"answers inferred from records" metric:"identities_inferred_total"`
	Unsure   uint64 `json:"unsure" doc:"inferred answers that join an event to no process, because it may have been one or another" metric:"identities_unsure_total"`
	Evicted  uint64 `json:"evicted" doc:"processes forgotten because there were too many" metric:"processes_evicted_total"`
	Forks    uint64 `json:"forks" doc:"forks that the kernel told of" metric:"forks_total"`
	Exits    uint64 `json:"exits" doc:"exits that the kernel told of" metric:"exits_total"`
	Missed   uint64 `json:"missed" doc:"how often what the kernel told of forks was missed" metric:"forks_missed_total"`
}

// Pipeline is the goroutine on which records become alerts.
type Pipeline struct {
	Answering  bool      `json:"answering" doc:"whether the pipeline answered within half a second; where not, it is stuck or overloaded, and the figures of engine, rules and records.gaps are of figures_at" metric:"pipeline_answering"`
	FiguresAt  time.Time `json:"figures_at" doc:"when the pipeline answered last" metric:"pipeline_answer_time_seconds"`
	Incomplete int       `json:"incomplete" doc:"events that wait for records" metric:"pipeline_incomplete_events"`
}

// Engine is the rule engine.
type Engine struct {
	Events       uint64 `json:"events" doc:"events that rules met" metric:"engine_events_total"`
	Matches      uint64 `json:"matches" doc:"matches of all rules that now run"`
	Late         uint64 `json:"late" doc:"events that were older than one before them by more than [detect] tolerance" metric:"engine_events_late_total"`
	HeldBack     int    `json:"held_back" doc:"events held back to be put in order" metric:"engine_held_back_events"`
	Pending      int    `json:"pending" doc:"unfinished sequences of all rules"`
	PendingLimit int    `json:"pending_limit" doc:"the most that there may be, [detect] max_pending_total" metric:"engine_pending_limit_sequences"`
}

// Rule is a rule that runs.
type Rule struct {
	ID          string `json:"id" doc:"the rule's rule_id" label:"rule_id"`
	Name        string `json:"name" doc:"its name" label:"rule"`
	Severity    string `json:"severity" doc:"its severity"`
	Matches     uint64 `json:"matches" doc:"matches, since the rule's query last changed" metric:"rule_matches_total"`
	Exempted    uint64 `json:"exempted" doc:"events that exceptions exempted, those for all rules together included" metric:"rule_exempted_events_total"`
	Throttled   uint64 `json:"throttled" doc:"matches summarized and not raised one by one" metric:"rule_throttled_matches_total"`
	Pending     int    `json:"pending" doc:"unfinished sequences" metric:"rule_pending_sequences"`
	Started     uint64 `json:"started" doc:"sequences that began" metric:"rule_sequences_started_total"`
	Expired     uint64 `json:"expired" doc:"sequences that outlived maxspan" metric:"rule_sequences_expired_total"`
	Evicted     uint64 `json:"evicted" doc:"sequences given up because a limit was reached: a loss" metric:"rule_sequences_evicted_total"`
	KeysMissing uint64 `json:"keys_missing" doc:"events without a field that the sequence is joined by" metric:"rule_keys_missing_total"`
	KeysDropped uint64 `json:"keys_dropped" doc:"events with too many values to be joined by: a loss" metric:"rule_keys_dropped_total"`
}

// Alerts say what became of matches.
type Alerts struct {
	Raised    uint64 `json:"raised" doc:"alerts raised, tests and summaries included" metric:"alerts_raised_total"`
	Tests     uint64 `json:"tests" doc:"alerts raised by a self-test" metric:"alerts_tests_total"`
	Throttled uint64 `json:"throttled" doc:"matches of all rules that were summarized and not raised" metric:"alerts_throttled_total"`
}

// Evidence says how gathering it goes.
type Evidence struct {
	Gathered   uint64 `json:"gathered" doc:"alerts with evidence" metric:"evidence_gathered_total"`
	Incomplete uint64 `json:"incomplete" doc:"alerts whose evidence lacks something" metric:"evidence_incomplete_total"`
	Dropped    uint64 `json:"dropped" doc:"alerts without evidence, because too many waited" metric:"evidence_dropped_total"`
	Abandoned  uint64 `json:"abandoned" doc:"readings of evidence that did not end in time" metric:"evidence_abandoned_total"`
	Hanging    uint64 `json:"hanging" doc:"readings of evidence that did not end in time and still have not" metric:"evidence_hanging_readings"`
}

// Output is where alerts or events go.
type Output struct {
	Name       string  `json:"name" doc:"the output's name: a path, an address" label:"output"`
	Alerts     bool    `json:"alerts" doc:"whether it gets alerts"`
	Events     bool    `json:"events" doc:"whether it gets events"`
	Queued     int     `json:"queued" doc:"documents in the output's queue in memory" metric:"output_queue_documents"`
	Capacity   int     `json:"capacity" doc:"documents that fit into the output's queue" metric:"output_queue_capacity_documents"`
	Accepted   uint64  `json:"accepted" doc:"documents taken into the queue" metric:"output_accepted_documents_total"`
	Written    uint64  `json:"written" doc:"documents delivered; where receivers confirm, confirmed ones" metric:"output_written_documents_total"`
	Dropped    uint64  `json:"dropped" doc:"documents given up because the queue was full: a loss" metric:"output_dropped_documents_total"`
	Failed     uint64  `json:"failed" doc:"documents that could not be delivered: a loss" metric:"output_failed_documents_total"`
	Retried    uint64  `json:"retried" doc:"attempts that failed and were made again" metric:"output_retries_total"`
	Reduced    uint64  `json:"reduced" doc:"documents sent without some of their parts, because they were too large" metric:"output_reduced_documents_total"`
	Waiting    uint64  `json:"waiting" doc:"documents not yet delivered, in memory and in the spool" metric:"output_waiting_documents"`
	Lag        float64 `json:"lag_seconds" doc:"age of the oldest document not yet delivered" metric:"output_lag_seconds"`
	SpoolBytes int64   `json:"spool_bytes" doc:"bytes of the files of the spool; a file goes when all in it was delivered" metric:"output_spool_bytes"`
	Trouble    string  `json:"trouble,omitempty" doc:"what keeps it from delivering now"`
}

// Problem is a condition of health that holds.
type Problem struct {
	ID    string    `json:"id" doc:"kind and subject"`
	Kind  string    `json:"kind" doc:"kind, see health.md"`
	Level string    `json:"level" doc:"\"warning\" or \"error\""`
	Since time.Time `json:"since" doc:"since when it holds"`
	What  string    `json:"what" doc:"the problem in a sentence"`
	Who   string    `json:"who,omitempty" doc:"who caused it, where that is known"`
}

// KindSum is how many problems of a kind hold.
type KindSum struct {
	Kind  string `json:"kind" label:"kind"`
	Level string `json:"level" label:"level"`
	Count int    `json:"count" doc:"problems that hold now, see health.md" metric:"health_problems"`
}

// Process is what the sensor uses.
type Process struct {
	Resident   int64   `json:"resident_bytes" doc:"resident memory" metric:"resident_memory_bytes"`
	Heap       int64   `json:"heap_bytes" doc:"memory of live objects and of those not yet collected" metric:"heap_bytes"`
	CPU        float64 `json:"cpu_seconds" doc:"processor time used, in user and kernel mode" metric:"cpu_seconds_total"`
	Goroutines int     `json:"goroutines" doc:"goroutines" metric:"goroutines"`
}

// Feature is something that a kernel's audit can do or not.
type Feature struct {
	Name    string `json:"name" doc:"what it is"`
	Support string `json:"support" doc:"whether the kernel has it"`
}

// Reload is a reading of the rules while the sensor ran.
type Reload struct {
	Time      time.Time `json:"time" doc:"when it was"`
	OK        bool      `json:"ok" doc:"whether the last reload could read everything and put it to work" metric:"reload_ok"`
	Error     string    `json:"error,omitempty" doc:"what could not"`
	Rules     int       `json:"rules" doc:"rules that run since"`
	Unchanged int       `json:"unchanged" doc:"of them, those that kept what they were waiting for"`
	Kept      int       `json:"kept" doc:"of them, those whose file is broken now and that run as they were"`
}

// Reloads counts readings of the rules.
type Reloads struct {
	Done   uint64 `json:"done" doc:"how often rules were read again while the sensor ran" metric:"reloads_total"`
	Failed uint64 `json:"failed" doc:"reloads of which something could not be read or put to work" metric:"reloads_failed_total"`
}

// Textfile is the file for node_exporter's textfile collector.
type Textfile struct {
	Path    string `json:"path" doc:"the file"`
	Written uint64 `json:"written" doc:"how often the metrics file was written" metric:"textfile_writes_total"`
	Failed  uint64 `json:"failed" doc:"how often the metrics file could not be written" metric:"textfile_failures_total"`
	Trouble string `json:"trouble,omitempty" doc:"why it cannot be written now"`
}

// Connection counts connections to the control socket.
type Connection struct {
	Accepted uint64 `json:"accepted" doc:"connections to the control socket" metric:"control_connections_total"`
	Refused  uint64 `json:"refused" doc:"connections to the control socket refused because they were another user's" metric:"control_refused_total"`
}

package main

// aim is a line of the table: what is measured beside what, and what is aimed at.
type aim struct {
	what, beside string
	// most says that the value is the most there may be, otherwise the least. A value
	// of 0 is none: the line only tells.
	most  bool
	value float64
	unit  string
	// of names the figures: one, or the first divided by the second.
	of    string
	under string
	// times is what the figure is multiplied by, 1 where it is 0.
	times float64
}

// programSize is the figure with the size of the program in bytes.
const programSize = "program bytes"

const (
	// megabytes makes bytes megabytes, and ofMiB mebibytes.
	megabytes = 1e-6
	ofMiB     = 1.048576
	// A tenth of a thousandth of a processor is taken for none.
	noCPU = 6 // ms a minute
	// bothCores is what a second core must bring to count as used.
	bothCores = 1.3
)

// tables are the tables by the target of the Makefile that prints them. Together
// they have every aim; that memory does not grow is for make soak.
func tables() map[string][]aim {
	return map[string][]aim{
		"bench": {
			{what: "replay, one core, rule evaluated", value: 2.5, unit: "million records/s", of: "Replay/one_core records/s", times: 1e-6},
			{what: "replay, one core, rule evaluated", value: 300, unit: "MB/s", of: "Replay/one_core MB/s"},
			{what: "replay of a host's log, one core", value: 2.5, unit: "million records/s", of: "Replay/of_a_host records/s", times: 1e-6},
			{what: "replay of a host's log, one core", value: 300, unit: "MB/s", of: "Replay/of_a_host MB/s"},
			{what: "replay, all cores", beside: "one core", value: bothCores, unit: "times", of: "Replay/all_cores records/s", under: "Replay/one_core records/s"},
			{what: "engine, cost of an event, 300 rules", beside: "1 rule", most: true, value: 4, unit: "times", of: "Engine/rules=300 ns/op", under: "Engine/rules=1 ns/op"},
			{what: "binary (amd64)", most: true, value: 12, unit: "MB", of: programSize, times: megabytes},
		},
		"live":  liveAims(),
		"peers": peerAims(),
	}
}

func liveAims() []aim {
	return []aim{
		{what: "CPU a connect, one socket", beside: "naive loop", most: true, value: 1, unit: "times", of: "LiveFlood flood_cpu_ratio"},
		{what: "CPU a connect, new sockets (two events)", beside: "naive loop", most: true, value: 1, unit: "times", of: "LiveFlood tcp-flood_cpu_ratio"},
		{what: "flood held, lost 0, one socket", beside: "naive loop", value: 0.95, unit: "times", of: "LiveFlood flood_rate_ratio"},
		{what: "flood held, lost 0, new sockets", beside: "naive loop", value: 0.95, unit: "times", of: "LiveFlood tcp-flood_rate_ratio"},
		{what: "flood held, one socket", beside: "auditd RAW", value: 3, unit: "times", of: "LiveFlood flood_sensor_per_second", under: "LiveFlood flood_auditd_RAW_per_second"},
		{what: "flood held, new sockets", beside: "auditd RAW", value: 3, unit: "times", of: "LiveFlood tcp-flood_sensor_per_second", under: "LiveFlood tcp-flood_auditd_RAW_per_second"},
		{what: "system call to alert on disk, idle, p50", most: true, value: 1, unit: "ms", of: "LiveLatency latency_p50_on_disk_ms_idle"},
		{what: "system call to alert on disk, idle, p99", most: true, value: 5, unit: "ms", of: "LiveLatency latency_p99_on_disk_ms_idle"},
		{what: "system call to alert on disk, in a flood, p99", most: true, value: 100, unit: "ms", of: "LiveLatency latency_p99_on_disk_ms_flood"},
		{what: "TCP connect+close on loopback, throughput", beside: "naive loop, same rules", value: 0.97, unit: "times", of: "LiveCost tcp_throughput_ratio"},
		{what: "idle: CPU", most: true, value: noCPU, unit: "ms/min", of: "LiveIdle idle_cpu_ms/min"},
		{what: "idle: CPU", beside: "only asks what is lost", unit: "times", of: "LiveIdle idle_cpu_ms/min", under: "LiveIdle idle_floor_cpu_ms/min"},
		{what: "idle: wake-ups", most: true, value: 2, unit: "a second", of: "LiveIdle wakeups/s"},
		{what: "memory, idle", most: true, value: 25, unit: "MB", of: "LiveIdle resident_mib", times: ofMiB},
		{what: "memory, most in the floods", most: true, value: 64, unit: "MB", of: "LiveFlood flood_sensor_peak_mib", times: ofMiB},
		{what: "memory, most in a flood with every table full", most: true, value: 64, unit: "MB", of: "LiveFull full_peak_mib", times: ofMiB},
		{what: "start to first event watched", most: true, value: 50, unit: "ms", of: "LiveIdle start_ms"},
	}
}

func peerAims() []aim {
	return []aim{
		{what: "replay of a host's log", beside: "LAUREL", value: 15, unit: "times", of: "PeersReplay host_LAUREL_ratio"},
		{what: "replay of a host's log", beside: "ausearch -i", value: 150, unit: "times", of: "PeersReplay host_ausearch_-i_ratio"},
		{what: "replay of a host's log", beside: "go-libaudit", value: 40, unit: "times", of: "PeersReplay host_go-libaudit_Reassembler_aucoalesce_ratio"},
		{what: "replay --events of a host's log", beside: "LAUREL", value: 5, unit: "times", of: "PeersReplay host_LAUREL_ratio", under: "PeersReplay host_tripline_replay_--events_ratio"},
		{what: "replay of connects", beside: "LAUREL", value: 15, unit: "times", of: "PeersReplay LAUREL_ratio"},
		{what: "replay of connects", beside: "ausearch -i", value: 150, unit: "times", of: "PeersReplay ausearch_-i_ratio"},
		{what: "replay of connects", beside: "ausearch --raw", value: 150, unit: "times", of: "PeersReplay ausearch_--raw_ratio"},
		{what: "replay of connects", beside: "go-libaudit", value: 40, unit: "times", of: "PeersReplay go-libaudit_Reassembler_aucoalesce_ratio"},
		{what: "replay --events of connects", beside: "LAUREL", value: 5, unit: "times", of: "PeersReplay LAUREL_ratio", under: "PeersReplay tripline_replay_--events_ratio"},
		{what: "live: CPU a connect", beside: "naive loop", most: true, value: 1, unit: "times", of: "PeersLive sensor_us/connect", under: "PeersLive naive_us/connect"},
		{what: "live: flood held", beside: "naive loop", value: 0.95, unit: "times", of: "PeersLive sensor_connects/s", under: "PeersLive naive_connects/s"},
		{what: "live: flood held", beside: "auditd RAW", value: 3, unit: "times", of: "PeersLive sensor_connects/s", under: "PeersLive auditd_RAW_connects/s"},
		{what: "live: flood held", beside: "LAUREL behind auditd", unit: "times", of: "PeersLive sensor_connects/s", under: "PeersLive auditd_and_LAUREL_connects/s"},
		{what: "live: flood held", beside: "go-libaudit", unit: "times", of: "PeersLive sensor_connects/s", under: "PeersLive go-libaudit_connects/s"},
		{what: "live: CPU of auditd RAW a connect", beside: "the sensor's", unit: "times", of: "PeersLive auditd_RAW_us/connect", under: "PeersLive sensor_us/connect"},
		{what: "live: CPU of auditd and LAUREL a connect", beside: "the sensor's", unit: "times", of: "PeersLive auditd_and_LAUREL_us/connect", under: "PeersLive sensor_us/connect"},
		{what: "live: CPU of go-libaudit a connect", beside: "the sensor's", unit: "times", of: "PeersLive go-libaudit_us/connect", under: "PeersLive sensor_us/connect"},
		{what: "live: records lost by the sensor", most: true, value: 0, unit: "records", of: "PeersLive sensor_lost"},
	}
}

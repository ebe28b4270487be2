package doctor

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"github.com/elastic/go-libaudit/v2/rule"
	"github.com/elastic/go-libaudit/v2/rule/flags"
	"github.com/rogpeppe/go-internal/txtar"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
	"tripline/config"
	"tripline/detect"
)

var update = flag.Bool("update", false, "write the golden files anew")

// simulated is how the kernel of a simulated host answers, the file "kernel" of
// its archive.
type simulated struct {
	// Open is the error of opening audit, "no audit" or "permission".
	Open string
	// Refused says that status and rules are refused.
	Refused bool
	Status  kernel.Status
	// Rules are the rules of others, as auditctl writes them, Own says that the
	// sensor's are there too, behind them.
	Rules []string
	Own   bool
	// Features are those that are known, by the names of JSON, with yes or no.
	Release, Machine string
	StatusSize       int
	Features         map[string]string
	plan             *auditrules.Plan
}

// openError is what opening the kernel's audit gives.
func (s *simulated) openError() error {
	switch s.Open {
	case "no audit":
		return fmt.Errorf("opening: %w", kernel.ErrNoAudit)
	case "permission":
		return fmt.Errorf("opening: %w", kernel.ErrPermission)
	}
	return nil
}

// answers is the simulated kernel as it is asked.
type answers struct{ model *simulated }

func (a answers) Close() error { return nil }

func (a answers) refusal() error {
	if a.model.Refused {
		return fmt.Errorf("asking: %w", kernel.ErrPermission)
	}
	return nil
}

func (a answers) Status() (kernel.Status, error) { return a.model.Status, a.refusal() }

func (a answers) Rules() ([][]byte, error) {
	var rules [][]byte
	for _, line := range a.model.Rules {
		parsed, err := flags.Parse(line)
		if err != nil {
			return nil, err
		}
		wire, err := rule.Build(parsed)
		if err != nil {
			return nil, err
		}
		rules = append(rules, wire)
	}
	if a.model.Own {
		for _, one := range a.model.plan.Rules {
			rules = append(rules, one.Wire)
		}
	}
	return rules, a.refusal()
}

func (a answers) ProveMulticast() kernel.Support { return a.Features().MulticastDelivered }

func (a answers) Features() kernel.Features {
	of := func(name string) kernel.Support {
		switch a.model.Features[name] {
		case "yes":
			return kernel.Supported
		case "no":
			return kernel.Unsupported
		}
		return kernel.Unknown
	}
	return kernel.Features{
		Release: a.model.Release, Machine: a.model.Machine, StatusSize: a.model.StatusSize,
		BacklogWaitTime: of("backlog_wait_time"), LostReset: of("lost_reset"), Multicast: of("multicast"),
		MulticastDelivered: of("multicast_delivered"), SaddrFamily: of("saddr_fam"), Executable: of("exe"),
		SessionID: of("sessionid"), IOUring: of("io_uring"), IOUringFilter: of("io_uring_filter"), X32: of("x32"),
		ForceReceiveBuffer: of("force_receive_buffer"), ReceiveBuffer: 16 << 20,
	}
}

// loadHost reads a simulated host: an archive with the files of its root, of
// which those that begin with "-> " are symbolic links, and the file "kernel".
func loadHost(t *testing.T, path string) Options {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	model := &simulated{}
	for _, file := range archive.Files {
		if file.Name == "kernel" {
			decoder := json.NewDecoder(bytes.NewReader(file.Data))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(model); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			continue
		}
		one := &fstest.MapFile{Data: file.Data, Mode: 0o644}
		if target, found := bytes.CutPrefix(file.Data, []byte("-> ")); found {
			one = &fstest.MapFile{Data: bytes.TrimSpace(target), Mode: fs.ModeSymlink | 0o777}
		}
		files[file.Name] = one
	}
	features := answers{model}.Features()
	model.plan = shippedPlan(t, features)
	return Options{
		Unaudited: features, Files: files, Now: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC), LockFile: "/run/tripline/lock",
		Open: func() (Kernel, error) {
			if err := model.openError(); err != nil {
				return nil, err
			}
			return answers{model}, nil
		},
		FreeSpace: func(string) (uint64, error) { return 50 << 30, nil },
		Config:    config.Default(), Rules: 1, Plan: model.plan,
	}
}

// shippedPlan is the plan for what the shipped rule needs.
func shippedPlan(t testing.TB, features kernel.Features) *auditrules.Plan {
	t.Helper()
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "386" {
		t.Skip("the rule library knows the short names of its own architecture family only")
	}
	root := []detect.Condition{{Field: "user.id", Values: []string{"0"}}}
	plan, err := auditrules.NewPlan([]detect.Need{
		{Category: "network", Actions: []string{"connection_attempted"}, Conditions: root},
		{Category: "process", Actions: []string{"session_id_change"}, Conditions: root},
	}, features, "tripline")
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestHosts examines simulated hosts and compares with what a person and a
// program are told.
func TestHosts(t *testing.T) {
	hosts, err := filepath.Glob("testdata/hosts/*.txtar")
	if err != nil || len(hosts) == 0 {
		t.Fatal("there are no simulated hosts", err)
	}
	for _, path := range hosts {
		name := strings.TrimSuffix(path, ".txtar")
		t.Run(filepath.Base(name), func(t *testing.T) {
			report, err := Examine(loadHost(t, path))
			if err != nil {
				t.Fatal(err)
			}
			text := report.Text()
			golden(t, name+".txt", []byte(text))
			document, err := json.MarshalIndent(report, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", append(document, '\n'))
			for line := range strings.Lines(text) {
				line = strings.TrimRight(line, "\n")
				mayBeLong := strings.Contains(line, "mend: ") || strings.Contains(line, "  - ")
				if utf8.RuneCountInString(line) > lineWidth && !mayBeLong {
					t.Errorf("a line is wider than %d columns: %s", lineWidth, line)
				}
			}
			for _, one := range report.Checks {
				if one.State == Failed && one.Mend == "" && one.ID != "container" && one.ID != "audit" && one.ID != "foreign_rules" && one.ID != "task_rules" {
					t.Errorf("%s fails and nothing mends it: %s", one.ID, one.Text)
				}
			}
		})
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got\n%s", path, got)
	}
}

// change is one thing that differs from the host on which all is well.
type change struct {
	name  string
	files map[string]string // content, "" for a file that is not there
	alter func(*Options)
	id    string
	state State
	says  string
	mend  string
}

// TestChecks changes one thing of a host on which all is well, and sees the one
// check that is about it.
func TestChecks(t *testing.T) {
	for _, test := range changes() {
		t.Run(test.name, func(t *testing.T) {
			options := loadHost(t, "testdata/hosts/well.txtar")
			files := options.Files.(fstest.MapFS)
			for name, content := range test.files {
				if content == "" {
					delete(files, name)
					continue
				}
				files[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
				if target, found := strings.CutPrefix(content, "-> "); found {
					files[name] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
				}
			}
			if test.alter != nil {
				test.alter(&options)
			}
			report, err := Examine(options)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range report.Checks {
				if one.ID != test.id {
					continue
				}
				if one.State != test.state || !strings.Contains(one.Text, test.says) || !strings.Contains(one.Mend, test.mend) {
					t.Errorf("it is %+v", one)
				}
				return
			}
			t.Errorf("there is no check %q", test.id)
		})
	}
}

// readOnlyAt has file systems that are mounted read-only at some folders.
func readOnlyAt(folders ...string) func(string) (uint64, error) {
	return func(folder string) (uint64, error) {
		if slices.Contains(folders, folder) {
			return 0, ErrReadOnly
		}
		return 50 << 30, nil
	}
}

func changes() []change {
	return []change{
		{"the clock stands at its beginning", nil, func(o *Options) { o.Now = time.Unix(0, 0) }, "clock", Warning, "1970-01-01", "hwclock"},
		{"a coarse clock", map[string]string{"sys/devices/system/clocksource/clocksource0/current_clocksource": "refined-jiffies"}, nil, "clock", Warning, "too coarse", ""},
		{"a full disk", nil, func(o *Options) { o.FreeSpace = func(string) (uint64, error) { return 1 << 20, nil } }, "disk", Failed, "1 MiB left", "du -xh /"},
		{"a disk that fills", nil, func(o *Options) { o.FreeSpace = func(string) (uint64, error) { return 500 << 20, nil } }, "disk", Warning, "500 MiB left", "du"},
		{"a disk that cannot be asked", nil, func(o *Options) { o.FreeSpace = func(string) (uint64, error) { return 0, errors.New("stale handle") } }, "disk", Unknown, "stale handle", ""},
		{"a read-only disk", nil, func(o *Options) { o.FreeSpace = readOnlyAt("/var/log/tripline", "/var/log") }, "disk", Failed, "is mounted read-only: alerts would be lost", "remount"},
		{"a read-only /run", map[string]string{"run/utmp": "x"}, func(o *Options) { o.FreeSpace = readOnlyAt("/run", "/run/tripline") }, "sensor", Failed, "is mounted read-only", "remount"},
		{
			"a capture",
			map[string]string{"run/tripline/lock": "77 capture\n", "proc/locks": "1: FLOCK  ADVISORY  WRITE 77 00:18:123 0 EOF\n"},
			nil,
			"sensor", OK, "process 77 has it for a while (capture)", "",
		},
		{"no alert file", nil, func(o *Options) { o.Config.Output.Alerts.Path = "" }, "disk", OK, "standard output alone", ""},
		{"a broken configuration", nil, func(o *Options) { o.ConfigErr = errors.New("sensor.toml:1:1: unknown key") }, "configuration", Failed, "defects", "tripline check"},
		{"one broken rule", nil, func(o *Options) { o.RulesErr = errors.New("a.toml:1:1: bad") }, "detection_rules", Warning, "1 rule runs; 1 defect keeps", "tripline check"},
		{"no rule", nil, func(o *Options) { o.Rules = 0 }, "detection_rules", Failed, "none runs", "tripline check"},
		{"no plan", nil, func(o *Options) { o.Plan, o.PlanErr = nil, errors.New("machine vax") }, "detection_rules", Failed, "machine vax", "tripline check"},
		{"no plan, so blind spots are unknown", nil, func(o *Options) { o.Plan = nil }, "blind_spots", Unknown, "not known", ""},
		{"an unmet need", nil, func(o *Options) { o.Plan.Unmet = []string{"dns events"} }, "blind_spots", Warning, "cannot be seen", ""},
		{"another tripline", map[string]string{"run/tripline/lock": "77\n", "proc/locks": "1: FLOCK  ADVISORY  WRITE 77 fe:00:1 0 EOF\n"}, nil, "sensor", OK, "process 77 watches", ""},
		{"a tripline that is gone", map[string]string{"run/tripline/lock": "78\n", "proc/locks": "1: FLOCK  ADVISORY  WRITE 77 fe:00:1 0 EOF\n"}, nil, "sensor", OK, "none", ""},
		{"SELinux confines", map[string]string{"sys/fs/selinux/enforce": "1", "proc/self/attr/current": "system_u:system_r:tripline_t:s0\x00"}, nil, "confinement", Warning, "tripline_t", "ausearch"},
		{"SELinux lets be", map[string]string{"sys/fs/selinux/enforce": "1", "proc/self/attr/current": "system_u:system_r:unconfined_service_t:s0"}, nil, "confinement", OK, "unconfined", ""},
		{"AppArmor confines", map[string]string{"sys/module/apparmor/parameters/enabled": "Y\n", "proc/self/attr/current": "/usr/bin/tripline (enforce)"}, nil, "confinement", Warning, "AppArmor", "journalctl"},
		{"hidden processes", map[string]string{"proc/self/mounts": "proc /proc proc rw,hidepid=invisible 0 0\n"}, nil, "proc", OK, "sees through", ""},
		{"hidden processes without the capability", map[string]string{
			"proc/self/mounts": "proc /proc proc rw,hidepid=2 0 0\n", "proc/self/status": "Uid:\t0\t0\t0\t0\nCapEff:\t0000002040001000\n",
		}, nil, "proc", Warning, "CAP_SYS_PTRACE", "hidepid=0"},
		{"only processes in /proc", map[string]string{"proc/self/mounts": "proc /proc proc rw,subset=pid 0 0\n"}, nil, "proc", Failed, "subset=pid", "ProcSubset"},
		{"root with few capabilities", map[string]string{"proc/self/status": "Uid:\t0\t0\t0\t0\nCapEff:\t00000000a80425fb\n"}, nil, "privileges", Failed, "CAP_AUDIT_CONTROL, CAP_AUDIT_READ", "host itself"},
		{"a kernel without CAP_AUDIT_READ", map[string]string{"proc/self/status": "Uid:\t0\t0\t0\t0\nCapEff:\t0000001fffffffff\n", "proc/sys/kernel/cap_last_cap": "36\n"}, nil, "privileges", OK, "all", ""},
		{"a network namespace", map[string]string{"proc/self/ns/net": "-> net:[4026532999]"}, nil, "namespaces", Warning, "multicasts no records", "nsenter"},
		{"a user namespace", map[string]string{"proc/self/ns/user": "-> user:[4026532998]"}, nil, "namespaces", Failed, "user namespace", "host itself"},
		{"marks of an image in a virtual machine", map[string]string{".dockerenv": "\n", "proc/self/ns/mnt": "-> mnt:[1]", "proc/1/ns/mnt": "-> mnt:[1]"}, nil, "container", OK, "no", ""},
		{"a container with the host's namespaces", map[string]string{".dockerenv": "\n", "proc/self/ns/mnt": "-> mnt:[2]", "proc/1/ns/mnt": "-> mnt:[1]"}, nil, "container", Warning, "docker", ""},
		{"the journal listens", map[string]string{"proc/net/netlink": "sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode\n0 9 1 00000001 0 0 0 2 17 100\n"}, nil, "journal", Warning, "lost 17", "systemd-journald-audit.socket"},
		{"somebody else listens", map[string]string{"proc/net/netlink": "0 9 812 00000001 0 0 0 2 17 100\n0 9 1 00000000 0 0 0 2 0 1\n"}, nil, "journal", OK, "does not listen", ""},
		{"booted without audit=1", map[string]string{"proc/cmdline": "quiet"}, nil, "old_processes", Warning, "2 programs (init, udevd) started before auditd", "update-grub"},
		{"the log of a daemon that does not run", map[string]string{"proc/812/stat": ""}, func(o *Options) { o.Config.Kernel.Source = config.SourceLog }, "receiver", Failed, "none runs", "auto"},
		{"the log of auditd", nil, func(o *Options) { o.Config.Kernel.Source = config.SourceLog }, "receiver", OK, "takes records from it", ""},
		{"source unicast beside auditd", nil, func(o *Options) { o.Config.Kernel.Source = config.SourceUnicast }, "receiver", Failed, "wants it alone", "auto"},
	}
}

// TestTerminalSafety prints nothing raw that a program of the host named itself.
func TestTerminalSafety(t *testing.T) {
	options := loadHost(t, "testdata/hosts/well.txtar")
	files := options.Files.(fstest.MapFS)
	files["proc/812/stat"] = &fstest.MapFile{Data: []byte("812 (aud\x1b[2Jitd) S 1 812 812 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 900 0\n")}
	report, err := Examine(options)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsRune(report.Text(), 0x1b) {
		t.Errorf("an escape character reaches the terminal:\n%q", report.Text())
	}
}

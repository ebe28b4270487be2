package normalize

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadHostFacts(t *testing.T) {
	for root, want := range map[string]HostFacts{
		"testdata/proc/current": {
			ID:       "0123456789abcdef0123456789abcdef",
			Hostname: "web-1",
			OS: OSFacts{
				Type: "linux", Family: "debian", Platform: "debian", Name: "Debian GNU/Linux", Version: "12",
				Full: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1.0-26-amd64",
			},
			BootID:  "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0ff",
			AgentID: "17760559-60d8-dfc5-3d6e-58f5bd9410c7",
		},
		"testdata/proc/rhel6": {
			ID:       "ffeeddccbbaa99887766554433221100",
			Hostname: "old.example.com",
			OS: OSFacts{
				Type: "linux", Family: "redhat", Platform: "rhel", Name: "Red Hat Enterprise Linux Server", Version: "6.10",
				Full: "Red Hat Enterprise Linux Server release 6.10 (Santiago)", Kernel: "2.6.32-754.el6.x86_64",
			},
			AgentID: "6e736eb5-29b0-b314-945b-bfb4c36cc573",
		},
		t.TempDir(): {OS: OSFacts{Type: "linux"}},
	} {
		got, err := ReadHostFacts(root)
		if err != nil {
			t.Errorf("%s: %v", root, err)
		}
		if *got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", root, *got, want)
		}
	}
}

func TestReadHostFactsOfThisHost(t *testing.T) {
	facts, err := ReadHostFacts("/")
	if err != nil {
		t.Fatal(err)
	}
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if facts.Hostname != hostname || facts.Architecture == "" || facts.OS.Kernel == "" || len(facts.BootID) != 36 {
		t.Errorf("got %+v", facts)
	}
	if facts.ID != "" && strings.Contains(facts.AgentID, facts.ID[:8]) {
		t.Errorf("the agent id %s gives the machine id away", facts.AgentID)
	}
}

func TestReadHostFactsOfOddFiles(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "etc/os-release"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(root, "etc/redhat-release"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "etc/machine-id"), []byte("uninitialized\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	facts, err := ReadHostFacts(root)
	if err == nil || !strings.Contains(err.Error(), "os-release") {
		t.Errorf("a directory in place of a file: got the error %v", err)
	}
	if facts == nil || *facts != (HostFacts{OS: OSFacts{Type: "linux"}}) {
		t.Errorf("got %+v", facts)
	}
}

// TestMachineID takes no damaged file for an identity.
func TestMachineID(t *testing.T) {
	const good = "3d1219c7c4c5404aaa1f6d2a48adfda4"
	for _, test := range []struct {
		name, etc, dbus, want string
		complaint             bool
	}{
		{"as it is made", good + "\n", "", good, false},
		{"as a UUID", "3D1219C7-C4C5-404A-AA1F-6D2A48ADFDA4", "", "3D1219C7-C4C5-404A-AA1F-6D2A48ADFDA4", false},
		{"the first boot", "uninitialized\n", good, good, false},
		{"damaged", "\x00\xff\x1b[31m" + strings.Repeat("x", 5000), good, good, true},
		{"cut off", good[:20], "", "", true},
		{"both damaged", strings.Repeat("g", 32), "x", "", true},
	} {
		root := t.TempDir()
		for name, content := range map[string]string{"etc/machine-id": test.etc, "var/lib/dbus/machine-id": test.dbus} {
			path := filepath.Join(root, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		facts, err := ReadHostFacts(root)
		if facts.ID != test.want || (err != nil) != test.complaint {
			t.Errorf("%s: %q, %v", test.name, facts.ID, err)
		}
	}
}

func TestParseRelease(t *testing.T) {
	for text, want := range map[string]OSFacts{
		"ID=ubuntu\nID_LIKE=debian\nNAME=Ubuntu\nVERSION_ID='24.04'\n":     {Platform: "ubuntu", Family: "debian", Name: "Ubuntu", Version: "24.04"},
		"ID=\"centos\"\nID_LIKE=\"rhel fedora\"\nPRETTY_NAME=\"CentOS 7\"": {Platform: "centos", Family: "redhat", Full: "CentOS 7"},
		"ID=mine\nID_LIKE=\"unknown suse\"\n":                              {Platform: "mine", Family: "suse"},
		"ID=mine\r\n  NAME=\"a \\\"b\\\" \\$c \\\\\"  \n":                  {Platform: "mine", Name: `a "b" $c \`},
		"# ID=x\n#ID=y\nno assignment\n=z\nNAME=\"\nVERSION_ID=\\\n":       {Name: `"`, Version: `\`},
	} {
		if got := hostParseRelease(text); got != want {
			t.Errorf("%q:\n got %+v\nwant %+v", text, got, want)
		}
	}
}

func TestParseRedHat(t *testing.T) {
	for line, want := range map[string]OSFacts{
		"CentOS release 6.10 (Final)":         {Platform: "centos", Family: "redhat", Name: "CentOS", Version: "6.10"},
		"Oracle Linux Server release 6.9":     {Platform: "ol", Family: "redhat", Name: "Oracle Linux Server", Version: "6.9"},
		"Scientific Linux release 6.9 (Carb)": {Platform: "scientific", Family: "redhat", Name: "Scientific Linux", Version: "6.9"},
		"something else":                      {},
	} {
		if want != (OSFacts{}) {
			want.Full = line
		}
		if got := hostParseRedHat(line); got != want {
			t.Errorf("%q:\n got %+v\nwant %+v", line, got, want)
		}
	}
}

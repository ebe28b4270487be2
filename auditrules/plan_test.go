package auditrules

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tripline/auditrules/kernel"
	"tripline/detect"
)

var update = flag.Bool("update", false, "write the golden files anew")

// shippedNeeds is what the shipped rule needs.
func shippedNeeds() []detect.Need {
	root := []detect.Condition{{Field: "event.type", Values: []string{"start"}}, {Field: "user.id", Values: []string{"0"}}}
	return []detect.Need{
		{Category: "network", Actions: []string{"connection_attempted"}, Conditions: root},
		{Category: "process", Actions: []string{"session_id_change"}, Conditions: root[1:]},
	}
}

// modern is a kernel that has everything.
func modern(machine string) kernel.Features {
	return kernel.Features{
		Machine: machine, SaddrFamily: kernel.Supported, IOUring: kernel.Supported, IOUringFilter: kernel.Supported,
		X32: kernel.Unsupported,
	}
}

// upstream is an upstream kernel of a release.
func upstream(t *testing.T, machine, release string) kernel.Features {
	t.Helper()
	features, err := UpstreamFeatures(machine, release)
	if err != nil {
		t.Fatal(err)
	}
	return features
}

func TestPlanGolden(t *testing.T) {
	x86 := modern("x86_64")
	x32 := x86
	x32.X32 = kernel.Supported
	user := func(field, id string) []detect.Condition {
		return []detect.Condition{{Field: field, Values: []string{id}}}
	}
	for _, test := range []struct {
		name     string
		features kernel.Features
		needs    []detect.Need
	}{
		{"x86_64", x86, shippedNeeds()},
		{"x86_64-unknown", kernel.Features{Machine: "x86_64"}, shippedNeeds()},
		{"x86_64-2.6.32", upstream(t, "x86_64", "2.6.32"), shippedNeeds()},
		{"x86_64-5.10", upstream(t, "x86_64", "5.10.0-46"), shippedNeeds()},
		{"x32", x32, shippedNeeds()},
		{"i686", modern("i686"), shippedNeeds()},
		{"aarch64", modern("aarch64"), shippedNeeds()},
		{"arm", modern("armv7l"), shippedNeeds()},
		{"ppc64le", modern("ppc64le"), shippedNeeds()},
		{"s390x", modern("s390x"), shippedNeeds()},
		{"every-user", x86, append(shippedNeeds(), detect.Need{Category: "network", Actions: []string{"connection_attempted"}})},
		{"two-users", x86, append(shippedNeeds(), detect.Need{
			Category: "process", Actions: []string{"session_id_change"}, Conditions: user("user.id", "1000"),
		})},
		{"every-family", x86, append(shippedNeeds(), detect.Need{Category: "network", Conditions: user("user.id", "0")})},
		{"ipv6", x86, []detect.Need{{Actions: []string{"connection_attempted"}, Conditions: user("network.type", "ipv6")}}},
		{"setsid-only", x86, shippedNeeds()[1:]},
		{"login-user", x86, []detect.Need{{
			Category: "process", Actions: []string{"exec"}, Conditions: append(user("user.audit.id", "1000"), user("user.id", "0")...),
		}}},
		{"unmet", x86, append(shippedNeeds(), detect.Need{Category: "file", Actions: []string{"creation"}}, detect.Need{Category: "dns"})},
		{"partly-met", x86, []detect.Need{
			{Category: "process"},
			{Category: "process", Conditions: []detect.Condition{{Field: "event.type", Values: []string{"start"}}}},
			{Category: "network", Conditions: []detect.Condition{{Field: "event.type", Values: []string{"start"}}}},
			{Category: "process", Actions: []string{"exec", "fork"}},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan, err := NewPlan(test.needs, test.features, "tripline")
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, filepath.Join("testdata", test.name+".golden"), planText(plan))
		})
	}
}

// planText is all that a plan says.
func planText(plan *Plan) string {
	var text strings.Builder
	for _, rule := range plan.Rules {
		text.WriteString(rule.Line + "\n    " + rule.Reason + "\n")
		if rule.Instead == nil {
			continue
		}
		for _, instead := range rule.Instead.Rules {
			text.WriteString("    if refused: " + instead.Line + "\n")
		}
		for _, spot := range rule.Instead.BlindSpots {
			text.WriteString("    if refused unseen: " + spot.String() + "\n")
		}
	}
	for _, spot := range plan.BlindSpots {
		text.WriteString("blind spot: " + spot.String() + "\n")
	}
	for _, unmet := range plan.Unmet {
		text.WriteString("unmet: " + unmet + "\n")
	}
	return text.String()
}

func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestPlanUnknownMachine(t *testing.T) {
	if _, err := NewPlan(shippedNeeds(), modern("vax"), "tripline"); err == nil || !strings.Contains(err.Error(), `"vax"`) {
		t.Errorf("the error is %v", err)
	}
}

// TestReleaseThatIsNone names releases for which nothing can be planned.
func TestReleaseThatIsNone(t *testing.T) {
	for release, says := range map[string]string{"": "", "5.10.0-30-amd64": "", "new": "two numbers", "5": "two numbers", "1.5": "oldest"} {
		_, err := UpstreamFeatures("x86_64", release)
		if (err == nil) != (says == "") || err != nil && (!strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "%!")) {
			t.Errorf("%q: %v", release, err)
		}
	}
}

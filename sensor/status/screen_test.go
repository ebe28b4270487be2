package status

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestScreen(t *testing.T) {
	golden(t, "ok.screen", sample(t).Screen(nil, 100))
}

// TestScreenRates shows how much grew each second, and nothing of another run.
func TestScreenRates(t *testing.T) {
	before, now := sample(t), sample(t)
	now.Time = before.Time.Add(4 * time.Second)
	now.Records.Received += 1000
	now.Events.Joined += 250
	now.Alerts.Raised += 2
	now.Process.CPU += 0.1
	golden(t, "rates.screen", now.Screen(before, 100))
	for _, other := range []func(*Status){
		func(s *Status) { s.PID++ },
		func(s *Status) { s.Started = s.Started.Add(time.Second) },
		func(s *Status) { s.Time = now.Time },
	} {
		changed := sample(t)
		other(changed)
		if screen := now.Screen(changed, 100); strings.Contains(screen, "/s)") {
			t.Errorf("rates against another run:\n%s", screen)
		}
	}
}

// TestScreenOfTrouble shows problems, and a screen that fits however many there
// are.
func TestScreenOfTrouble(t *testing.T) {
	s := sample(t)
	s.State, s.Pipeline.Answering, s.Kernel.Enabled = Failing, false, 0
	s.Pipeline.FiguresAt = s.Time.Add(-90 * time.Second)
	s.Kernel.BacklogWaitTime = nil
	for i := range 12 {
		s.Health = append(s.Health, Problem{
			ID: fmt.Sprintf("setting_changed:%d", i), Level: "warning", Since: s.Started, What: "somebody set something",
		})
		s.Rules = append(s.Rules, Rule{Name: fmt.Sprintf("Rule %02d", i), Matches: uint64(i)})
	}
	s.Outputs[0].Trouble = "dial tcp 192.0.2.1:6514: connection refused"
	s.Reload.OK, s.Reload.Error = false, "x.toml:2:1: broken"
	s.Health[3].What = "the rate limit is 10 records a second and was 0: the kernel drops what exceeds it, and so hides what happens"
	s.Health[3].Who = "/usr/sbin/auditctl, pid 4711, logged in as ann (1000)"
	s.Textfile.Trouble = "no space left on device"
	golden(t, "failing.screen", s.Screen(nil, 100))
	if rows := strings.Count(s.Screen(nil, 80), "\n"); rows > 50 {
		t.Errorf("the screen has %d rows", rows)
	}
}

// TestScreenIsSafe puts what could act on a terminal into every text.
func TestScreenIsSafe(t *testing.T) {
	s := sample(t)
	const hostile = "\x1b[2J\r\n\xff\u202e"
	s.Version, s.Source.Mode, s.Source.Beside = hostile, hostile, hostile
	s.Health = []Problem{{ID: hostile, Level: hostile, What: hostile}}
	s.Rules[0].Name, s.Outputs[0].Name, s.Outputs[0].Trouble = hostile, hostile, hostile
	s.Reload.OK, s.Reload.Error, s.Textfile.Path, s.Textfile.Trouble = false, hostile, hostile, hostile
	screen := s.Screen(nil, 100)
	for _, r := range screen {
		if r != '\n' && (r == utf8.RuneError || !unicode.IsPrint(r)) {
			t.Errorf("the screen has %q:\n%q", r, screen)
			break
		}
	}
	clean := sample(t)
	clean.Health = s.Health
	clean.Outputs[0].Trouble = "x"
	if got, want := strings.Count(screen, "\n"), strings.Count(clean.Screen(nil, 100), "\n"); got != want {
		t.Errorf("%d rows in the place of %d", got, want)
	}
}

// TestScreenWidth keeps every row within the terminal, whatever the names.
func TestScreenWidth(t *testing.T) {
	s := sample(t)
	s.Rules[0].Name = strings.Repeat("long ", 60)
	s.Outputs[0].Trouble = strings.Repeat("trouble ", 60)
	for _, width := range []int{0, 80, 132} {
		for line := range strings.Lines(s.Screen(nil, width)) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > max(width, MinWidth) {
				t.Errorf("at %d columns a row has %d: %q", width, n, line)
			}
		}
	}
}

func TestForms(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{span(-1), "0 s"},
		{span(1500 * time.Microsecond), "1 ms"},
		{span(59 * time.Second), "59 s"},
		{span(61 * time.Second), "1 m 1 s"},
		{span(25*time.Hour + time.Minute), "1 d 1 h"},
		{span(3*time.Hour + 5*time.Minute), "3 h 5 m"},
		{size(1023), "1023 B"},
		{size(1536), "1.5 KiB"},
		{size(3 << 40), "3072.0 GiB"},
		{group(0), "0"},
		{group(999), "999"},
		{group(1234567), "1,234,567"},
		{plural(1, "rule", "rules"), "1 rule"},
		{plural(1000, "rule", "rules"), "1,000 rules"},
	} {
		if test.got != test.want {
			t.Errorf("%q, not %q", test.got, test.want)
		}
	}
}

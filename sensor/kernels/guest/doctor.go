package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"tripline/auditrules/kernel"
	"tripline/sensor/kernels/report"
)

// features reports what the sensor's package finds out about the kernel.
func features(g *guest) error {
	return withClient(func(client *kernel.Client) error {
		// Records are delivered only where auditing is on.
		if err := client.Set(kernel.SettingEnabled, 1); err != nil {
			return err
		}
		found := client.Features()
		named := map[string]string{
			report.Release: found.Release,
			"status bytes": fmt.Sprint(found.StatusSize), "io_uring": found.IOUring.String(), "x32": found.X32.String(),
			"multicast delivered": found.MulticastDelivered.String(),
		}
		for _, feature := range kernel.AllFeatures() {
			named[feature.String()] = found.Has(feature).String()
		}
		g.features(named)
		return client.Set(kernel.SettingEnabled, 0)
	})
}

// doctor runs tripline doctor and returns its findings as text. Before this
// version has the command, the step is skipped.
func (g *guest) doctor() (string, error) {
	done, err := g.run(tripline, "doctor", "--json")
	if err != nil {
		return "", err
	}
	if strings.Contains(done.err, "unknown command") {
		return "", skipError("this version has no tripline doctor")
	}
	if done.code == 2 || done.out == "" {
		return "", fmt.Errorf("tripline doctor ended with code %d: %s", done.code, lastLine(done.err))
	}
	for decoder := json.NewDecoder(strings.NewReader(done.out)); decoder.More(); {
		var document any
		if err := decoder.Decode(&document); err != nil {
			return "", fmt.Errorf("tripline doctor --json: %w", err)
		}
	}
	return done.out, nil
}

// doctorNames runs doctor and looks for a word in what it finds.
func (g *guest) doctorNames(word string) error {
	found, err := g.doctor()
	if err == nil && !strings.Contains(found, word) {
		err = fmt.Errorf("tripline doctor does not name %s: %s", word, found)
	}
	return err
}

// doctorOff is doctor where audit is switched off at boot.
func doctorOff(g *guest) error { return g.doctorNames("audit=0") }

// startOld starts a process before anything touches audit.
func startOld(g *guest) (err error) {
	g.old, err = g.hold("late")
	return err
}

// oldUnseen lets a process act that is older than auditing: the kernel never
// records it, and doctor has to say so.
func oldUnseen(g *guest) error {
	s, caught, err := g.releaseOld()
	if err != nil {
		return err
	}
	var named error
	if !caught {
		named = g.doctorNames("audit=1")
	}
	return errors.Join(s.stop(terminate), named)
}

// oldCaught lets the oldest process act where auditing was on before it.
func oldCaught(g *guest) error {
	s, caught, err := g.releaseOld()
	if err != nil {
		return err
	}
	if !caught {
		err = errors.New("no alert, although auditing was enabled at boot")
	}
	return errors.Join(err, s.stop(terminate))
}

// releaseOld lets the old process act under a new sensor. When the alert of a
// younger process is there, the older one's would be too.
func (g *guest) releaseOld() (*sensor, bool, error) {
	if g.old == nil {
		return nil, false, errors.New("the older process did not start")
	}
	s, err := g.start(tripline)
	if err != nil {
		return nil, false, err
	}
	if err := g.old.release(); err != nil {
		return nil, false, err
	}
	younger, err := g.do(behave, "connect-setsid")
	if err != nil {
		return nil, false, err
	}
	if !s.catches(younger.pid, patience) {
		return nil, false, errors.New("no alert for a younger process")
	}
	caught := s.caught(g.old.pid())
	return s, caught, nil
}

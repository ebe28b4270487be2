package evidence

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v3/common"
	"github.com/shirou/gopsutil/v3/host"
)

// sessionLimit bounds how many logins, and how many audit sessions, are listed.
const sessionLimit = 128

// readSessions lists who is logged in, by utmp and by audit's own sessions.
func (g *Gatherer) readSessions(ctx context.Context, part *Sessions) {
	part.begin()
	g.readLogins(ctx, part)
	pids, err := g.proc.processes()
	if err != nil {
		part.fail("processes: %v", err)
	}
	slices.Sort(pids)
	places := make(map[string]int)
	for _, pid := range pids {
		if ctx.Err() != nil {
			part.fail("not all processes were looked at for their audit session: no time was left")
			break
		}
		id := setOrEmpty(g.proc.text(pid, "sessionid"))
		if id == "" {
			continue
		}
		if place, known := places[id]; known {
			part.Audit[place].Processes++
			continue
		}
		if len(part.Audit) >= sessionLimit {
			part.More++
			continue
		}
		places[id] = len(part.Audit)
		one := AuditSession{ID: id, Processes: 1, PID: pid, Name: g.proc.text(pid, "comm")}
		if login := g.user(setOrEmpty(g.proc.text(pid, "loginuid"))); login != nil {
			one.Login = *login
		}
		part.Audit = append(part.Audit, one)
	}
}

// readLogins reads utmp.
func (g *Gatherer) readLogins(ctx context.Context, part *Sessions) {
	if g.options.Var != "" {
		ctx = context.WithValue(ctx, common.EnvKey, common.EnvMap{common.HostVarEnvKey: g.options.Var})
	}
	logins, err := host.UsersWithContext(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		part.NoUtmp = true
		return
	}
	if err != nil {
		part.fail("utmp: %v", err)
	}
	for i, one := range logins {
		if i >= sessionLimit {
			part.More += len(logins) - i
			return
		}
		login := Login{User: clean(one.User), Terminal: clean(one.Terminal), From: clean(one.Host)}
		if one.Started > 0 {
			login.Since = time.Unix(int64(one.Started), 0).UTC()
		}
		part.Logins = append(part.Logins, login)
	}
}

// clean makes valid UTF-8 of a text of fixed length.
func clean(text string) string {
	return strings.TrimRight(strings.ToValidUTF8(text, "\ufffd"), "\x00 ")
}

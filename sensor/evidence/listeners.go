package evidence

import (
	"context"
	"slices"
)

// readListeners lists the sockets of the host that wait for others, and whose
// they are. Sockets of other network namespaces are not seen.
func (g *Gatherer) readListeners(ctx context.Context, part *Listeners) {
	part.begin()
	waiting := make(map[uint64]int) // inode to its place
	for _, one := range tables() {
		if one.name == "unix" { // a path, and by the hundred
			continue
		}
		err := readTable(ctx, g.proc.root+"/net", one, func(socket tableSocket) bool {
			switch {
			case !socket.listen:
			case len(part.Sockets) >= socketLimit:
				part.More++
			default:
				waiting[socket.inode] = len(part.Sockets)
				part.Sockets = append(part.Sockets, socket.Socket)
			}
			return true
		})
		if err != nil {
			part.fail("%v", err)
		}
	}
	g.nameOwners(ctx, part, waiting)
}

// nameOwners finds the processes that have the listening sockets open. The oldest
// one has it in most cases from its creation.
func (g *Gatherer) nameOwners(ctx context.Context, part *Listeners, waiting map[uint64]int) {
	pids, err := g.proc.processes()
	if err != nil {
		part.fail("processes: %v", err)
	}
	slices.Sort(pids)
	for _, pid := range pids {
		if len(waiting) == 0 {
			return
		}
		if ctx.Err() != nil {
			part.fail("the processes of %d listeners are not known: no time was left", len(waiting))
			return
		}
		open, _ := g.proc.sockets(ctx, pid) // of a process that has just ended
		for inode, fd := range open {
			place, ok := waiting[inode]
			if !ok {
				continue
			}
			delete(waiting, inode)
			owner := &part.Sockets[place]
			owner.PID, owner.FD = pid, fd
			owner.Executable, _, _ = g.proc.executable(pid) // empty where it has ended
			owner.CommandLine, _ = g.proc.commandLine(pid)
		}
	}
}

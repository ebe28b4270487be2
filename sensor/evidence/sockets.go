package evidence

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
)

const (
	// socketLimit bounds how many sockets are listed, descriptorLimit how many
	// descriptors of one process are looked at.
	socketLimit     = 256
	descriptorLimit = 65536
)

// readSockets lists the sockets that the process has open, in its own network
// namespace.
func (g *Gatherer) readSockets(ctx context.Context, request *Request, running bool, part *Sockets) {
	part.begin()
	if !running {
		part.fail("the process has ended and its sockets with it")
		return
	}
	descriptors, err := g.proc.sockets(ctx, request.PID)
	if err != nil {
		part.fail("descriptors of process %d: %v", request.PID, err)
	}
	if len(descriptors) == 0 {
		return
	}
	for _, one := range tables() {
		err := readTable(ctx, g.proc.path(request.PID, "net"), one, func(socket tableSocket) bool {
			fd, open := descriptors[socket.inode]
			if !open || socket.inode == 0 {
				return true
			}
			delete(descriptors, socket.inode)
			if len(part.Sockets) >= socketLimit {
				part.More++
				return true
			}
			socket.FD = fd
			part.Sockets = append(part.Sockets, socket.Socket)
			return len(descriptors) > 0
		})
		if err != nil {
			part.fail("%v", err)
		}
		if len(descriptors) == 0 {
			return
		}
	}
	for inode, fd := range descriptors { // netlink, vsock, another namespace's, …
		if len(part.Sockets) >= socketLimit {
			part.More += len(descriptors)
			return
		}
		part.Sockets = append(part.Sockets, Socket{Protocol: "other", State: "inode " + strconv.FormatUint(inode, 10), FD: fd})
	}
}

// sockets maps the inodes of a process's sockets to their descriptors.
func (p proc) sockets(ctx context.Context, pid uint32) (map[uint64]uint32, error) {
	folder, err := os.Open(p.path(pid, "fd"))
	if err != nil {
		return nil, err
	}
	defer folder.Close() //nolint:errcheck // nothing was written
	found := make(map[uint64]uint32)
	for seen := 0; seen < descriptorLimit && ctx.Err() == nil; {
		names, err := folder.Readdirnames(1024)
		for _, name := range names {
			target, errLink := os.Readlink(folder.Name() + "/" + name)
			if errLink != nil {
				continue // closed meanwhile
			}
			if inode, ok := socketInode(target); ok {
				fd, _ := strconv.ParseUint(name, 10, 32) // the kernel's names are numbers
				found[inode] = uint32(fd)
			}
		}
		seen += len(names)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return found, err
		}
	}
	return found, errors.New("not all of them were looked at: no time was left")
}

// socketInode reads the target of a descriptor's link, "socket:[INODE]".
func socketInode(target string) (uint64, bool) {
	text, ok := strings.CutPrefix(target, "socket:[")
	text, end := strings.CutSuffix(text, "]")
	inode, err := strconv.ParseUint(text, 10, 64)
	return inode, ok && end && err == nil
}

package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tripline/sensor/packages"
	"tripline/sensor/prevalence"
)

// readExecutable looks at the file that the process executes or, where that is
// gone, at what has its path now.
func (g *Gatherer) readExecutable(request *Request, running bool, part *Executable) {
	part.begin()
	file, err := g.openExecutable(request, running, part)
	if err != nil {
		part.fail("%v", err)
		return
	}
	defer file.Close() //nolint:errcheck // nothing was written
	info, err := file.Stat()
	if err != nil {
		part.fail("its attributes: %v", err)
		return
	}
	part.describe(info)
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		part.Owner, part.Group = g.user(strconv.FormatUint(uint64(owner.Uid), 10)), strconv.FormatUint(uint64(owner.Gid), 10)
	}
}

// readHash hashes the same file. It is a reading of its own, because it may take
// longer than there is time.
func (g *Gatherer) readHash(ctx context.Context, request *Request, running bool, part *Executable) {
	file, err := g.openExecutable(request, running, part)
	if err != nil {
		return // readExecutable says why
	}
	defer file.Close() //nolint:errcheck // nothing was written
	info, err := file.Stat()
	if err != nil {
		return
	}
	part.Failed = nil
	if part.SHA256, err = g.hashes.of(ctx, file, info, g.options.HashLimit); err != nil {
		part.fail("its hash: %v", err)
	}
}

// readPackage asks the package databases whose file it is.
func (g *Gatherer) readPackage(ctx context.Context, request *Request, running bool, part *Executable) {
	path := request.Executable
	if running {
		if now, _, err := g.proc.executable(request.PID); err == nil {
			path = now
		}
	}
	if path == "" || strings.HasPrefix(path, "/memfd:") {
		part.PackageState = string(packages.None)
		return
	}
	found, state, err := g.packages.Owner(ctx, path)
	part.PackageState = string(state)
	if state == packages.Owned {
		part.Package = &found
	}
	if err != nil {
		part.fail("its package: %v", err)
	}
}

// join takes the hash and the package over.
func (e *Executable) join(hashed, owned *Executable) {
	e.SHA256, e.Package, e.PackageState = hashed.SHA256, owned.Package, owned.PackageState
	if e.PackageState == "" {
		e.PackageState = string(packages.Unknown)
	}
	for _, failure := range hashed.Failed {
		e.fail("%s", failure)
	}
	for _, failure := range owned.Failed {
		e.fail("%s", failure)
	}
}

// openExecutable opens the file through the process, which works for a deleted
// one too, else by its path.
func (g *Gatherer) openExecutable(request *Request, running bool, part *Executable) (*os.File, error) {
	part.Path = request.Executable
	if running {
		path, deleted, err := g.proc.executable(request.PID)
		if err == nil {
			part.Path, part.Deleted, part.Source = path, deleted, "process"
			part.Memfd = deleted && strings.HasPrefix(path, "/memfd:")
			return openRegular(g.proc.path(request.PID, "exe"))
		}
		if !gone(err) {
			return nil, fmt.Errorf("the executable of process %d: %w", request.PID, err)
		}
	}
	part.Memfd = strings.HasPrefix(part.Path, "/memfd:")
	if !filepath.IsAbs(part.Path) || part.Memfd {
		return nil, errors.New("the process has ended, and its executable cannot be found by a path")
	}
	part.Source = "path"
	part.fail("the process has ended: this is the file that has its path now")
	file, err := openRegular(part.Path)
	if errors.Is(err, fs.ErrNotExist) {
		part.Deleted = true
		return nil, errors.New("the file is not there any more")
	}
	return file, err
}

// openRegular opens a regular file, and nothing that waits or acts when opened.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// describe takes over what the file system says of a file.
func (e *Executable) describe(info fs.FileInfo) {
	e.Size, e.Modified = info.Size(), milliseconds(info.ModTime())
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	e.Mode = fmt.Sprintf("%04o", stat.Mode&0o7777)
	e.Changed = milliseconds(time.Unix(int64(stat.Ctim.Sec), int64(stat.Ctim.Nsec))) //nolint:unconvert // 32 bits on 32-bit machines
	e.Device, e.Inode = deviceName(uint64(stat.Dev)), stat.Ino                       //nolint:unconvert // 32 bits on some machines
}

func milliseconds(at time.Time) time.Time { return at.UTC().Truncate(time.Millisecond) }

// deviceName is MAJOR:MINOR of a device number, see makedev(3).
func deviceName(device uint64) string {
	major := device>>8&0xfff | device>>32&^0xfff
	minor := device&0xff | device>>12&0xffffff00
	return fmt.Sprintf("%d:%d", major, minor)
}

// hashChunk is how much of a file is read at once, in bytes.
const hashChunk = 128 << 10

// hashFile is the SHA-256 of a file from where it stands, until ctx ends.
func hashFile(ctx context.Context, file io.Reader) (string, error) {
	digest, chunk := sha256.New(), make([]byte, hashChunk)
	for {
		if ctx.Err() != nil {
			return "", errors.New("the file is too large for the time that is allowed")
		}
		n, err := file.Read(chunk)
		digest.Write(chunk[:n])
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(digest.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
}

// file is what tells the file from another with its path.
func (e *Executable) file() prevalence.File {
	return prevalence.File{Device: e.Device, Inode: e.Inode, SHA256: e.SHA256, Changed: e.Changed}
}

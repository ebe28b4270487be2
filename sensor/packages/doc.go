// Package packages says which package of the host a file belongs to, from the
// databases of dpkg and rpm themselves: no program is started, and no database is
// locked or changed.
package packages

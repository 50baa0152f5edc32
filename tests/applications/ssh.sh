#!/bin/sh
# ssh: OpenSSH logs in with the key in the token, as `podpis setup` configured it and through an agent. The server is
# this machine's sshd, for whoever runs this, with keys and files of its own.
# shellcheck source=tests/applications/lib.sh
. "$(dirname "$0")/lib.sh"

needs ssh ssh-agent ssh-add
[ -x /usr/sbin/sshd ] || {
	echo 'no sshd: skipped'
	exit 77
}
case $(getent shadow "$(id -un)") in *:!*)
	echo "$(id -un) is locked, sshd would refuse: skipped"
	exit 77
	;;
esac
ssh=$work/ssh
mkdir "$ssh"
SSH_ASKPASS=$ssh/askpass
SSH_ASKPASS_REQUIRE=force
export SSH_ASKPASS SSH_ASKPASS_REQUIRE
unset SSH_AUTH_SOCK

# pin_is PIN: what the next question is answered with; the questions are in $ssh/asked.
pin_is() {
	: >"$ssh/asked"
	private "$ssh/pin" "$1"
}

server_start() {
	ssh-keygen -q -t ed25519 -N '' -f "$ssh/host"
	# Where the service never ran, root's has no folder to confine itself to.
	[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
	for _ in 1 2 3 4 5; do
		ssh_port=$(free_port)
		cat >"$ssh/sshd_config" <<-END
			ListenAddress 127.0.0.1:$ssh_port
			HostKey $ssh/host
			PidFile none
			AuthorizedKeysFile $ssh/authorized
			StrictModes no
			UsePAM no
			PasswordAuthentication no
			KbdInteractiveAuthentication no
			LogLevel VERBOSE
		END
		/usr/sbin/sshd -D -f "$ssh/sshd_config" -E "$ssh/log" &
		server=$!
		until grep -q 'Server listening' "$ssh/log" 2>/dev/null; do
			kill -0 "$server" 2>/dev/null || continue 2
			sleep 0.05
		done
		break
	done
	kill -0 "$server" 2>/dev/null || fail "no sshd: $(cat "$ssh/log")"
	servers="$servers $server"
	echo "[127.0.0.1]:$ssh_port $(cut -d' ' -f1,2 "$ssh/host.pub")" >"$ssh/known"
}

# remote OPTION...: logs in and says so. ssh(1) looks for a person's configuration where the system says they live.
remote() {
	ssh -F "$HOME/.ssh/config" -p "$ssh_port" -o UserKnownHostsFile="$ssh/known" "$@" 127.0.0.1 echo 'I am in'
}

# accepted: the last login was with this certificate's key.
accepted() {
	printed 'I am in'
	key=$(ssh-keygen -lf "$ssh/key.pub" | cut -d' ' -f2)
	grep 'Accepted publickey' "$ssh/log" | tail -n 1 | grep -qF "$key" || fail "$(cat "$ssh/log")"
}

works() {
	step "$1: the public key, for the server"
	# Of the keys that it lists one is the issuer's, which has no business in authorized_keys.
	openssl x509 -in "$work/certificate.pem" -noout -pubkey >"$ssh/key.pem"
	ssh-keygen -i -m PKCS8 -f "$ssh/key.pem" >"$ssh/key.pub"
	quietly ssh-keygen -D "$module"
	printed "$(cat "$ssh/key.pub") $label"
	cp "$ssh/key.pub" "$ssh/authorized"

	step "$1: a wrong PIN, and the right one"
	pin_is 000000
	refused remote -o IdentityFile="$ssh/key.pub" -o IdentitiesOnly=yes
	printed 'Permission denied'
	pin_is "$PIN"
	quietly remote -o IdentityFile="$ssh/key.pub" -o IdentitiesOnly=yes
	accepted
	[ "$(cat "$ssh/asked")" = "Enter PIN for '$token': " ] || fail "asked: $(cat "$ssh/asked")"

	step "$1: whichever key the server takes"
	quietly remote
	accepted

	step "$1: through an agent that may load the module"
	eval "$(ssh-agent -P "$(dirname "$module")/*")" >"$work/out"
	servers="$servers $SSH_AGENT_PID"
	pin_is 000000
	refused ssh-add -s "$module"
	pin_is "$PIN"
	quietly ssh-add -s "$module"
	rm "$ssh/pin"
	quietly ssh -F none -p "$ssh_port" -o UserKnownHostsFile="$ssh/known" 127.0.0.1 echo 'I am in'
	accepted
	quietly ssh-add -e "$module"
	refused ssh-add -l
	kill "$SSH_AGENT_PID"
	unset SSH_AUTH_SOCK SSH_AGENT_PID
}

cat >"$SSH_ASKPASS" <<END
#!/bin/sh
echo "\$1" >>"$ssh/asked"
cat "$ssh/pin"
END
chmod 700 "$SSH_ASKPASS"
issued rsa:2048
podpis setup --for ssh --yes >"$work/out"
server_start
works rsa:2048
issued_also ec:P-256
works ec:P-256

step 'an agent that may not load it'
eval "$(ssh-agent -P /nonexistent)" >"$work/out"
servers="$servers $SSH_AGENT_PID"
pin_is "$PIN"
refused ssh-add -s "$module"

[ "$store" = vault ] || exit 0
step 'a key that OpenSSH does not know is in the way of none'
quietly pkcs11-tool --module "$module" --token-label "$token" --login --pin env:PIN --keypairgen --key-type EC:edwards25519 \
	--id 77 --label ed --usage-sign
quietly remote
accepted

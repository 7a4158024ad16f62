#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Run in the machine "world" by closing.sh: the part of the network that isn't
# the office's. A simulated Slack and model under their real names, which only
# this machine knows; and before them a squid that wants a login, and reads
# along under a CA of the company's own.
set -eu
echo "127.0.0.1 slack.com wss-primary.slack.com files.slack.com api.openai.com" \
	>>/etc/hosts
systemd-run --quiet --unit=slack konstruct-sim --listen 127.0.0.1:443 --tls \
	--host slack.com,api.openai.com --ca-out /run/slack-ca.pem
until [ -s /run/slack-ca.pem ]; do sleep 0.1; done

cd /etc/squid
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
	-subj "/O=Example Corp/CN=Example Corp Proxy CA" \
	-addext keyUsage=critical,keyCertSign \
	-keyout ca.key -out ca.pem 2>/dev/null
cat ca.key ca.pem >bump.pem
chown proxy bump.pem
chmod 400 bump.pem
echo "office:$(openssl passwd -apr1 'correct horse')" >users
install -d -o proxy /var/lib/squid
/usr/lib/squid/security_file_certgen -c -s /var/lib/squid/ssl_db -M 4MB \
	>/dev/null
chown -R proxy /var/lib/squid
cat >squid.conf <<CONF
http_port 192.0.2.1:3128 ssl-bump tls-cert=/etc/squid/bump.pem
sslcrtd_program /usr/lib/squid/security_file_certgen -s /var/lib/squid/ssl_db -M 4MB
tls_outgoing_options cafile=/run/slack-ca.pem
auth_param basic program /usr/lib/squid/basic_ncsa_auth /etc/squid/users
auth_param basic realm Example Corp
acl known proxy_auth REQUIRED
acl CONNECT method CONNECT
acl tls port 443
acl step1 at_step SslBump1
ssl_bump peek step1
ssl_bump bump all
http_access deny !CONNECT !tls
http_access allow known tls
http_access deny all
cache deny all
pinger_enable off
shutdown_lifetime 0 seconds
visible_hostname proxy.example
CONF
systemctl restart squid

UPDATE refills SET last_tenant = $1

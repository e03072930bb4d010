print (envget ("version"))
logout

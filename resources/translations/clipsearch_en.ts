<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="en">
<context>
    <name>wording</name>
    <message numerus="yes">
        <source>%Ln photos</source>
        <translation>
            <numerusform>%Ln photo</numerusform>
            <numerusform>%Ln photos</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln selected</source>
        <translation>
            <numerusform>%Ln selected</numerusform>
            <numerusform>%Ln selected</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln matches</source>
        <translation>
            <numerusform>%Ln match</numerusform>
            <numerusform>%Ln matches</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln problems</source>
        <translation>
            <numerusform>%Ln problem</numerusform>
            <numerusform>%Ln problems</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln photos to go</source>
        <translation>
            <numerusform>%Ln photo to go</numerusform>
            <numerusform>%Ln photos to go</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Burst of %Ln photos</source>
        <translation>
            <numerusform>Burst of %Ln photo</numerusform>
            <numerusform>Burst of %Ln photos</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln less sure</source>
        <translation>
            <numerusform>%Ln less sure</numerusform>
            <numerusform>%Ln less sure</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln files cannot be read.</source>
        <translation>
            <numerusform>%Ln file cannot be read.</numerusform>
            <numerusform>%Ln files cannot be read.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>Palette</name>
    <message numerus="yes">
        <source>Put %Ln photos into…</source>
        <translation>
            <numerusform>Put %Ln photo into…</numerusform>
            <numerusform>Put %Ln photos into…</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>categories</name>
    <message numerus="yes">
        <source>%Ln photos put into {name}</source>
        <translation>
            <numerusform>%Ln photo put into {name}</numerusform>
            <numerusform>%Ln photos put into {name}</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln photos taken out of {name}</source>
        <translation>
            <numerusform>%Ln photo taken out of {name}</numerusform>
            <numerusform>%Ln photos taken out of {name}</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln judgements about {name} taken back</source>
        <translation>
            <numerusform>%Ln judgement about {name} taken back</numerusform>
            <numerusform>%Ln judgements about {name} taken back</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln photos moved to {name}</source>
        <translation>
            <numerusform>%Ln photo moved to {name}</numerusform>
            <numerusform>%Ln photos moved to {name}</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln photos put in by their keywords</source>
        <translation>
            <numerusform>%Ln photo put in by their keywords</numerusform>
            <numerusform>%Ln photos put in by their keywords</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>From {percent} % on: about %Ln photos</source>
        <translation>
            <numerusform>From {percent} % on: about %Ln photo</numerusform>
            <numerusform>From {percent} % on: about %Ln photos</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>From {percent} % on: %Ln photos</source>
        <translation>
            <numerusform>From {percent} % on: %Ln photo</numerusform>
            <numerusform>From {percent} % on: %Ln photos</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln photos</source>
        <translation>
            <numerusform>%Ln photo</numerusform>
            <numerusform>%Ln photos</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>about %Ln photos</source>
        <translation>
            <numerusform>about %Ln photo</numerusform>
            <numerusform>about %Ln photos</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln chosen photos are its first examples</source>
        <translation>
            <numerusform>The chosen photo is its first example</numerusform>
            <numerusform>%Ln chosen photos are its first examples</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>Arrivals</name>
    <message numerus="yes">
        <source>%Ln files lie in no folder of the library.</source>
        <translation>
            <numerusform>%Ln file lies in no folder of the library.</numerusform>
            <numerusform>%Ln files lie in no folder of the library.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Add their %Ln folders</source>
        <translation>
            <numerusform>Add its folder</numerusform>
            <numerusform>Add their %Ln folders</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>reports</name>
    <message numerus="yes">
        <source>%Ln files to copy</source>
        <translation>
            <numerusform>%Ln file to copy</numerusform>
            <numerusform>%Ln files to copy</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln files to link</source>
        <translation>
            <numerusform>%Ln file to link</numerusform>
            <numerusform>%Ln files to link</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln files copied</source>
        <translation>
            <numerusform>%Ln file copied</numerusform>
            <numerusform>%Ln files copied</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln files linked</source>
        <translation>
            <numerusform>%Ln file linked</numerusform>
            <numerusform>%Ln files linked</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln files are there already</source>
        <translation>
            <numerusform>%Ln file is there already</numerusform>
            <numerusform>%Ln files are there already</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln sidecars to make</source>
        <translation>
            <numerusform>%Ln sidecar to make</numerusform>
            <numerusform>%Ln sidecars to make</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln sidecars to change</source>
        <translation>
            <numerusform>%Ln sidecar to change</numerusform>
            <numerusform>%Ln sidecars to change</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln sidecars made</source>
        <translation>
            <numerusform>%Ln sidecar made</numerusform>
            <numerusform>%Ln sidecars made</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln sidecars changed</source>
        <translation>
            <numerusform>%Ln sidecar changed</numerusform>
            <numerusform>%Ln sidecars changed</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln photos stay as they are</source>
        <translation>
            <numerusform>%Ln photo stays as it is</numerusform>
            <numerusform>%Ln photos stay as they are</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln categories added</source>
        <translation>
            <numerusform>%Ln category added</numerusform>
            <numerusform>%Ln categories added</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln photos put in</source>
        <translation>
            <numerusform>%Ln photo put in</numerusform>
            <numerusform>%Ln photos put in</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln times you had said otherwise, which holds</source>
        <translation>
            <numerusform>%Ln time you had said otherwise, which holds</numerusform>
            <numerusform>%Ln times you had said otherwise, which holds</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln cannot be reached or written</source>
        <translation>
            <numerusform>%Ln cannot be reached or written</numerusform>
            <numerusform>%Ln cannot be reached or written</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>KeywordsDialog</name>
    <message numerus="yes">
        <source>%Ln keywords found. Tick those that are to become categories.</source>
        <translation>
            <numerusform>%Ln keyword found. Tick it if it is to become a category.</numerusform>
            <numerusform>%Ln keywords found. Tick those that are to become categories.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln files could not be read.</source>
        <translation>
            <numerusform>%Ln file could not be read.</numerusform>
            <numerusform>%Ln files could not be read.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln were written by clipsearch itself: ticked, they count as your own word.</source>
        <translation>
            <numerusform>%Ln was written by clipsearch itself: ticked, it counts as your own word.</numerusform>
            <numerusform>%Ln were written by clipsearch itself: ticked, they count as your own word.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ExchangeActions</name>
    <message numerus="yes">
        <source>%Ln lines written to {name}</source>
        <translation>
            <numerusform>%Ln line written to {name}</numerusform>
            <numerusform>%Ln lines written to {name}</numerusform>
        </translation>
    </message>
</context>
</TS>
